// Sessions that are kept by the server, and keys of tickets, by real handshakes; compared with nginx where that is
// installed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { zoneDict } from '../../../src/http/modules/ssl/session-cache.ts';
import { SharedTicketKeys } from '../../../src/http/modules/ssl/ticket-keys.ts';
import { updateTime } from '../../../src/log/time.ts';
import { createZone } from '../../../src/shm/zone.ts';
import { hasNginx, RealNginx } from '../nginx.ts';
import { Pki } from '../pki.ts';
import { loadHttp, TestServer } from '../test-server.ts';

const pki = new Pki();
after(() => pki.remove());
pki.root('a');
const key = (): string => randomBytes(48).toString('latin1');
const FILES = { 'a.crt': pki.pem('a.crt'), 'a.key': pki.pem('a.key'), A: key(), B: key() };

/** One connection: whether a session went on, and the session to go on with. */
async function visit(
  port: number,
  options: ConnectionOptions,
): Promise<{ answer: string; session: Buffer | undefined }> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let session = options.session as Buffer | undefined;
  let received = '';
  socket.setTimeout(5000, () => socket.destroy(new Error(`no end after: ${received}`)));
  socket.on('session', (made) => {
    session = made;
  });
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
  });
  socket.on('error', (e: NodeJS.ErrnoException) => {
    received += `<${e.code}>`;
  });
  socket.on('secureConnect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
  await new Promise((resolve) => socket.once('close', resolve));
  return { answer: received.slice(received.indexOf('\r\n\r\n') + 4), session };
}

/** Three visits, each with what the one before left, then one with the first session. `.` is new, `r` goes on. */
async function visits(port: number, options: ConnectionOptions): Promise<string> {
  const first = await visit(port, options);
  let out = first.answer;
  let { session } = first;
  for (let i = 0; i < 2; i++) {
    const next = await visit(port, { ...options, session });
    out += next.answer;
    session = next.session;
  }
  return out + (await visit(port, { ...options, session: first.session })).answer;
}

const PAIR = 'ssl_certificate %DIR%/a.crt; ssl_certificate_key %DIR%/a.key;';

function block(settings: string): string {
  const protocols = 'ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;';
  return `${PAIR} ${protocols} server { listen 127.0.0.1:1 ssl; ${settings} location / { return 200 $ssl_session_reused; } }`;
}

function serve(settings: string): TestServer {
  const server = new TestServer(block(settings), FILES);
  after(() => server.close());
  return server;
}

const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
const TLS12 = { maxVersion: 'TLSv1.2' } as const;
const TLS13 = { minVersion: 'TLSv1.3' } as const;

const CASES: readonly { settings: string; old: string; tls12: string; tls13: string }[] = [
  { settings: 'ssl_session_cache shared:S:1m;', old: '.rrr', tls12: '.rrr', tls13: '.rrr' },
  { settings: 'ssl_session_cache shared:S:1m; ssl_session_tickets off;', old: '.rrr', tls12: '.rrr', tls13: '.rrr' },
  { settings: 'ssl_session_cache builtin; ssl_session_tickets off;', old: '.rrr', tls12: '.rrr', tls13: '.rrr' },
  {
    settings: 'ssl_session_cache builtin:10 shared:S:1m; ssl_session_tickets off;',
    old: '.rrr',
    tls12: '.rrr',
    tls13: '.rrr',
  },
  { settings: 'ssl_session_tickets off;', old: '....', tls12: '....', tls13: '....' },
  { settings: 'ssl_session_cache off; ssl_session_tickets off;', old: '....', tls12: '....', tls13: '....' },
  { settings: 'ssl_session_cache none;', old: '.rrr', tls12: '.rrr', tls13: '.rrr' },
];

for (const { settings, old, tls12, tls13 } of CASES) {
  describe(settings, () => {
    const ports: (() => Promise<number>)[] = [async () => serve(settings).port];
    if (hasNginx) {
      ports.push(async () => {
        const nginx = await RealNginx.start(block(settings), FILES);
        after(() => nginx.stop());
        return nginx.port;
      });
    }
    for (const [i, port] of ports.entries()) {
      it(i === 0 ? 'goes on with sessions' : 'as nginx does', async () => {
        const at = await port();
        assert.equal(await visits(at, OLD), old, 'TLS 1.1');
        assert.equal(await visits(at, TLS12), tls12, 'TLS 1.2');
        assert.equal(await visits(at, TLS13), tls13, 'TLS 1.3');
      });
    }
  });
}

describe('a shared session cache', () => {
  it('is shared by servers of the same certificates', async () => {
    const server = (name: string): string =>
      `server { listen 127.0.0.1:1 ssl; server_name ${name}; location / { return 200 $ssl_session_reused; } }`;
    const sessions = 'ssl_session_cache shared:S:1m; ssl_session_tickets off;';
    const both = new TestServer(`${PAIR} ${sessions} ${server('a')} ${server('b')}`, FILES);
    after(() => both.close());
    const { port } = both;
    const { session } = await visit(port, { ...TLS12, servername: 'a' });
    assert.equal((await visit(port, { ...TLS12, session, servername: 'b' })).answer, 'r');
  });

  it('holds what fits', async () => {
    const server = serve('ssl_session_cache shared:S:32k; ssl_session_tickets off;');
    for (let i = 0; i < 40; i++) assert.equal((await visit(server.port, TLS12)).answer, '.');
    assert.equal(await visits(server.port, TLS12), '.rrr');
    assert.deepEqual(server.log, []);
  });

  it('keeps no session for longer than ssl_session_timeout', async () => {
    const server = serve('ssl_session_cache shared:S:1m; ssl_session_tickets off; ssl_session_timeout 1s;');
    const { session } = await visit(server.port, TLS12);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    updateTime();
    assert.equal((await visit(server.port, { ...TLS12, session })).answer, '.');
  });

  it('cannot be what it is not', () => {
    const wrong = (line: string): RegExp => new RegExp(line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    assert.throws(() => loadHttp('ssl_session_cache shared:S:1k;'), wrong('session cache "shared:S:1k" is too small'));
    assert.throws(() => loadHttp('ssl_session_cache shared:S;'), wrong('invalid session cache "shared:S"'));
    assert.throws(() => loadHttp('ssl_session_cache builtin:x;'), wrong('invalid session cache "builtin:x"'));
    assert.throws(() => loadHttp('ssl_session_cache some;'), wrong('invalid session cache "some"'));
    const conflict = 'the size 2097152 of shared memory zone "S" conflicts with already declared size 1048576';
    assert.throws(
      () => loadHttp('ssl_session_cache shared:S:1m; server { ssl_session_cache shared:S:2m; }'),
      wrong(conflict),
    );
  });
});

describe('ssl_session_ticket_key', () => {
  it('given twice reads the tickets of both, and encrypts with the first', async () => {
    const one = serve('ssl_session_ticket_key %DIR%/A;');
    const two = serve('ssl_session_ticket_key %DIR%/B; ssl_session_ticket_key %DIR%/A;');
    for (const options of [TLS12, TLS13]) {
      const a = await visit(one.port, options);
      const onTwo = await visit(two.port, { ...options, session: a.session });
      assert.equal(onTwo.answer, 'r');
      const b = await visit(two.port, options);
      assert.equal((await visit(two.port, { ...options, session: b.session })).answer, 'r');
      assert.equal((await visit(one.port, { ...options, session: b.session })).answer, '.');
    }
    assert.deepEqual([...one.log, ...two.log], []);
  });
});

describe('ticket keys in shared memory', () => {
  const timed = (seconds: number): void => {
    const now = Date.now;
    Date.now = () => now() + seconds * 1000;
    updateTime();
    Date.now = now;
  };

  it('are the same for all, and change with time', () => {
    const request = { name: 'S', size: 65536, owner: 'x', zone: createZone('S', 65536, false) };
    updateTime();
    const keys = new SharedTicketKeys(request, 100);
    const other = new SharedTicketKeys(request, 100);
    const [first] = keys.current();
    assert.equal(first?.length, 48);
    assert.deepEqual(other.current(), [first]);
    timed(150);
    const [second, previous] = keys.current();
    assert.deepEqual(previous, first);
    assert.notDeepEqual(second, first);
    assert.deepEqual(other.current(), [second, first]);
    timed(1000);
    const [third, none] = other.current();
    assert.notDeepEqual(third, second);
    assert.equal(none, undefined);
    assert.equal(zoneDict(request).get('ticket keys') !== undefined, true);
    updateTime();
  });
});
