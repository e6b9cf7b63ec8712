import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { SyslogTarget } from '../../src/conf/modules/syslog.ts';
import { ErrorLog } from '../../src/log/error-log.ts';
import { LOG_ERR, LOG_NOTICE, logState } from '../../src/log/log.ts';
import { SyslogWriter } from '../../src/log/syslog.ts';
import type { ListenAddress } from '../../src/net/listening.ts';

const PORT = 21535;
const udp: ListenAddress = { family: 'inet', address: '127.0.0.1', port: PORT, text: `127.0.0.1:${PORT}` };

function target(address: ListenAddress, more?: Partial<SyslogTarget>): SyslogTarget {
  return { server: address.text, address, facility: 23, severity: 6, tag: 'nginx', nohostname: false, ...more };
}

test('lines arrive as datagrams with facility, severity, host and tag', { timeout: 5000 }, async () => {
  logState.useStderr = false;
  const server = createSocket('udp4');
  server.bind(PORT, '127.0.0.1');
  await once(server, 'listening');
  const log = new ErrorLog();
  log.add({ level: LOG_NOTICE, to: new SyslogWriter(target(udp), () => log) });
  log.write(LOG_ERR, 'something \xff failed');
  const [first] = (await once(server, 'message')) as [Buffer];
  // local7.err
  const expected = new RegExp(
    `^<187>\\w{3} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d ${hostname().toLowerCase()} nginx: ` +
      '\\d{4}/\\d\\d/\\d\\d .* \\[error\\] .*: something \xff failed$',
  );
  assert.match(first.toString('latin1'), expected);

  const access = new SyslogWriter(target(udp, { nohostname: true, tag: 'web', facility: 1 }), () => log);
  access.send('GET /');
  const [second] = (await once(server, 'message')) as [Buffer];
  assert.match(second.toString('latin1'), /^<14>\w{3} [ \d]\d \d\d:\d\d:\d\d web: GET \/$/);
  access.close();
  server.close();
});

test('a server that is not there is reported to the other targets', () => {
  const reported: string[] = [];
  const address: ListenAddress = { family: 'unix', address: '/nonexistent', port: 0, text: 'unix:/nonexistent' };
  const log = new ErrorLog();
  log.add({ level: LOG_NOTICE, to: new SyslogWriter(target(address), () => log) });
  log.add({ level: LOG_NOTICE, to: { write: (_, line) => void reported.push(line) } });
  log.write(LOG_ERR, 'text');
  assert.match(
    reported[0]!,
    /connect\(\) failed \(2: No such file or directory\) while logging to syslog, server: unix:\/nonexistent\n$/,
  );
  assert.match(reported[1]!, /: text\n$/);
});
