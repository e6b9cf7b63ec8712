import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { finalizeRequest, runPostedRequests } from '../../../src/http/finalize.ts';
import { bodyFile, bodyString } from '../../../src/http/protocol/body.ts';
import type { HttpRequest } from '../../../src/http/request.ts';
import { Client, type Harness, say, startHarness } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsresty-body-'));
const open: Harness[] = [];
function start(...args: Parameters<typeof startHarness>): Harness {
  const h = startHarness(...args);
  open.push(h);
  return h;
}
after(() => {
  for (const h of open) h.close();
  rmSync(folder, { recursive: true });
});

/** Reads the body and answers with what `show` says. */
const reading =
  (show: (r: HttpRequest) => string, prepare?: (r: HttpRequest) => void) =>
  (r: HttpRequest): number => {
    prepare?.(r);
    const rc = r.connection.readBody(r, (rr) => finalizeRequest(rr, say(rr, show(rr))));
    return rc >= 300 ? rc : -4;
  };

const post = (text: string): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

async function answer(c: Client, request: string): Promise<string> {
  c.received = '';
  c.send(request);
  await c.until((x) => {
    const length = /Content-Length: ([0-9]+)\r\n/.exec(x.received);
    const at = x.received.indexOf('\r\n\r\n');
    return length !== null && at >= 0 && x.received.length - at - 4 === Number(length[1]);
  });
  return c.received.slice(c.received.indexOf('\r\n\r\n') + 4);
}

test('in memory and in a file that goes with the request', async () => {
  let path = '';
  const h = start(
    reading(
      (r) => {
        path = bodyFile(r) ?? '';
        return `${bodyString(r)} ${path === '' ? '' : readFileSync(path, 'latin1')}`;
      },
      (r) => {
        r.requestBodyInPersistentFile = true;
        r.requestBodyInCleanFile = true;
      },
    ),
    { location: { clientBodyBufferSize: 10, clientBodyTempPath: { path: folder, levels: [1, 2] } } },
  );
  const c = new Client(h.port);
  assert.equal(await answer(c, post('short')), 'short ');
  const long = 'long'.repeat(1000);
  assert.equal(await answer(c, post(long)), `undefined ${long}`);
  assert.match(path, /\/(\d)\/(\d\d)\/\d{7}\2\1$/);
  assert.ok(!existsSync(path));
  await c.close();
});

test('client_body_in_file_only', async () => {
  const h = start(
    reading(
      (r) => readFileSync(bodyFile(r)!, 'latin1'),
      (r) => {
        r.requestBodyInFileOnly = true;
        r.requestBodyInPersistentFile = true;
      },
    ),
    { location: { clientBodyTempPath: { path: folder, levels: [] } } },
  );
  const before = readdirSync(folder).length;
  const c = new Client(h.port);
  assert.equal(await answer(c, post('text')), 'text');
  assert.equal(await answer(c, post('')), '');
  assert.equal(readdirSync(folder).length, before + 2, 'the files stay');
  await c.close();
});

test('a folder that is missing', async () => {
  const h = start(
    reading(() => ''),
    { location: { clientBodyBufferSize: 10, clientBodyTempPath: { path: join(folder, 'none'), levels: [] } } },
  );
  const c = new Client(h.port);
  c.send(post('x'.repeat(3000)));
  await c.until((x) => x.received.includes('500 Internal Server Error'));
  assert.ok(h.lines.some((l) => /^open\(\) ".*none\/\d{10}" failed \(2: No such file or directory\)/.test(l)));
  await c.close();
});

test('a body that is passed on while it arrives', async () => {
  const pieces: string[] = [];
  const results: number[] = [];
  const take = (r: HttpRequest): void => {
    const rc = r.connection.readUnbufferedBody(r);
    results.push(rc);
    const { chunks } = r.requestBody!;
    for (const chunk of chunks.splice(0)) pieces.push(chunk as string);
    if (rc === 0) finalizeRequest(r, say(r, pieces.join('|')));
    else if (rc > 0) finalizeRequest(r, rc);
  };
  const h = start((r) => {
    r.requestBodyNoBuffering = true;
    const rc = r.connection.readBody(r, (rr) => {
      for (const chunk of rr.requestBody!.chunks.splice(0)) pieces.push(chunk as string);
      rr.readEventHandler = take;
    });
    return rc >= 300 ? rc : -4;
  });
  const c = new Client(h.port);
  c.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab');
  await c.until(() => pieces.length === 1);
  c.send('cd');
  await c.until(() => pieces.length === 2);
  c.send('efghi');
  await c.until((x) => x.received.endsWith('ab|cd|efghi'));
  assert.deepEqual(results, [-2, 0]);
  pieces.length = 0;
  c.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n');
  await c.until(() => pieces.length === 1);
  c.socket.end();
  await c.until((x) => x.ended);
  assert.equal(results.at(-1), 400);
});

test('a handler that comes later, for a client that has left', async () => {
  let r!: HttpRequest;
  const h = start((request) => {
    r = request;
    r.count++;
    return -4;
  });
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await c.until(() => r !== undefined);
  await c.close();
  await new Promise((go) => setTimeout(go, 20));
  let told = 0;
  r.readEventHandler = (rr) => {
    told++;
    finalizeRequest(rr, 499);
  };
  r.connection.watchClose(r);
  await new Promise((go) => setTimeout(go, 20));
  runPostedRequests(r.connection);
  assert.equal(told, 1);
  assert.deepEqual(h.statuses, [499]);
});

test('the bare socket', async () => {
  const h = start((r) => {
    r.count++;
    const { socket, preread } = r.connection.takeRawSocket(r);
    socket.owner = {
      onData: (buffer, start, end) => {
        socket.write(`<${buffer.toString('latin1', start, end)}>`);
      },
      onEnd: () => finalizeRequest(r, -4),
      onError: () => {},
      onDrain: () => {},
      onClose: () => {},
    };
    socket.write(`[${preread}]`);
    socket.resume();
    return -4;
  });
  const c = new Client(h.port);
  c.send('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\nearly');
  await c.until((x) => x.received === '[early]');
  c.send('late');
  await c.until((x) => x.received === '[early]<late>');
  c.socket.end();
  await c.until((x) => x.ended);
});
