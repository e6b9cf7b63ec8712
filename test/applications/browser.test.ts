// A browser over TLS through the proxy to an application: what pages do, compared by content.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, GLOBALS, RunningServer } from '../support/server.ts';
import { Chromium, findChromium } from './browser/chromium.ts';
import { echo } from './browser/web-socket.ts';

const MEGABYTE = 1 << 20;
const executable = findChromium();

/** Bytes that do not compress and do not repeat where it would hide a fault. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let x = 12345;
  for (let i = 0; i + 4 <= size; i += 4) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(x, i);
  }
  return bytes;
}

/** The application. */
class Application {
  readonly server: Server;
  readonly large = noise(50 * MEGABYTE);
  readonly video = noise(8 * MEGABYTE + 123);
  readonly closes: string[] = [];

  constructor() {
    this.server = createServer((request, response) => this.#answer(request, response));
    this.server.on('upgrade', (request, socket, head) => {
      echo(request, socket, head, (code, reason) => this.closes.push(`${code} ${reason}`));
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://application');
    const { pathname } = url;
    if (pathname === '/') {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(readFileSync(join(import.meta.dirname, 'browser/page.html')));
    } else if (pathname === '/upload') {
      const hash = createHash('sha256');
      let size = 0;
      request.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        size += chunk.length;
      });
      request.on('end', () => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ size, hash: hash.digest('hex') }));
      });
    } else if (pathname === '/large') {
      response.setHeader('X-Hash', createHash('sha256').update(this.large).digest('hex'));
      if (url.searchParams.has('chunked')) {
        // Without a length.
        for (let at = 0; at < this.large.length; at += 300_000) response.write(this.large.subarray(at, at + 300_000));
        response.end();
      } else response.end(this.large);
    } else if (pathname === '/video') this.#range(request, response);
    else if (pathname.startsWith('/mark/')) {
      response.end(`${pathname.slice(6)}|`.repeat(Number(url.searchParams.get('size'))));
    } else response.writeHead(404).end();
  }

  #range(request: IncomingMessage, response: ServerResponse): void {
    const { length } = this.video;
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (match === null) {
      response.end(this.video);
      return;
    }
    const from = Number(match[1]);
    const to = match[2] === '' ? length - 1 : Number(match[2]);
    if (from >= length) {
      response.writeHead(416, { 'Content-Range': `bytes */${length}` }).end();
      return;
    }
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${to}/${length}`, 'Content-Length': to - from + 1 });
    response.end(this.video.subarray(from, to + 1));
  }
}

const skip = executable === undefined ? 'needs Chromium (Debian package chromium)' : false;

describe('a browser through the proxy', { skip, timeout: 240_000 }, () => {
  let folder: string;
  let application: Application;
  let server: RunningServer;
  let browser: Chromium;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tsresty-browser-'));
    for (const sub of ['conf', 'logs', 'html', 'tmp']) mkdirSync(join(folder, sub));
    application = new Application();
    writeFileSync(join(folder, 'html/film'), application.video);
    await new Promise<void>((resolve) => application.server.listen(0, '127.0.0.1', resolve));
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=127.0.0.1', '-keyout', join(folder, 'conf/key.pem'), '-out', join(folder, 'conf/cert.pem')],
      ],
      { stdio: 'ignore' },
    );
    const port = await freePort();
    writeFileSync(
      join(folder, 'conf/nginx.conf'),
      `${GLOBALS} worker_processes 2; pid logs/nginx.pid; error_log logs/error.log info;
events {}
http {
  access_log off; client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; client_max_body_size 100m;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream application { server 127.0.0.1:${(application.server.address() as AddressInfo).port}; keepalive 8; }
  server {
    listen 127.0.0.1:${port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
    proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    location / { proxy_pass http://application; }
    location /direct/ { proxy_pass http://application/; proxy_buffering off; proxy_request_buffering off; }
    location /static/ { alias html/; }
  }
}
`,
    );
    server = await RunningServer.start(folder, ['-p', folder, '-c', 'conf/nginx.conf'], port);
    browser = await Chromium.start(executable as string, `https://127.0.0.1:${port}/`);
  });

  after(async () => {
    try {
      await browser?.stop();
    } finally {
      await server?.stop();
      application?.server.closeAllConnections();
      application?.server.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a file of 50 MB is uploaded', async () => {
    const size = 50 * MEGABYTE;
    assert.deepEqual(await browser.run(`upload(${size})`), { status: 200, size, same: true });
  });

  test('a form with a file is sent', async () => {
    assert.equal(await browser.run('form(3000000)'), true);
  });

  test('50 MB are downloaded, with their length, in chunks and unbuffered', async () => {
    for (const path of ['/large', '/large?chunked', '/direct/large']) {
      assert.deepEqual(await browser.run(`download('${path}')`), { size: 50 * MEGABYTE, same: true }, path);
    }
  });

  test('a download is given up', async () => {
    assert.equal(await browser.run("giveUp('/large?again')"), 200);
  });

  test('ranges of the application and of a file', async () => {
    const size = 8 * MEGABYTE + 123;
    for (const path of ['/video', '/static/film']) {
      assert.deepEqual(await browser.run(`seek('${path}', 20)`), { size, right: 20, beyond: 416 }, path);
    }
  });

  test('300 requests at once', async () => {
    assert.equal(await browser.run('parallel(300)'), 300);
  });

  test('a WebSocket with messages up to 4 MB, closed by the page', async () => {
    assert.deepEqual(await browser.run('talk([100, 70000, 1000000, 4000000])'), {
      right: 8,
      closed: { code: 4002, reason: 'page is done', wasClean: true },
    });
    assert.ok(application.closes.includes('4002 page is done'));
  });

  test('a WebSocket with many messages, closed by the application', async () => {
    assert.deepEqual(await browser.run('burst(2000)'), {
      ordered: true,
      closed: { code: 4001, reason: 'server is done', wasClean: true },
    });
  });

  test('nothing in the error log that should not be there', () => {
    const log = readFileSync(join(folder, 'logs/error.log'), 'latin1');
    assert.doesNotMatch(log, /\[(?:error|crit|alert|emerg)\]/);
  });
});
