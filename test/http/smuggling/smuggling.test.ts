/**
 * Request smuggling: bytes that two servers may read in two ways are sent through the proxy, to a backend that keeps
 * every byte and reads it by RFC 9112 to the letter. It must see what the proxy meant, and nothing else; and the next
 * client, on the same connection to the backend, must get its own response.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Backends } from '../differential/backend.ts';
import type { Case } from '../differential/case.ts';
import type { Places } from '../differential/conf.ts';
import { readResponse } from '../differential/framing.ts';
import { type RunningServer, startServer } from '../differential/server.ts';
import type { Smuggle } from './case.ts';
import { Client } from './client.ts';
import { requests } from './requests.ts';
import { responses, type Splitting } from './responses.ts';
import { strictRequests, strictResponses } from './strict.ts';

const LOCATIONS = `
  location / { proxy_pass http://u%ID%; }
  location /small { client_max_body_size 3; proxy_pass http://u%ID%; }
  location /here { return 200 "here"; }
  location /denied { deny all; proxy_pass http://u%ID%; }
  location /moved { return 301 /there; }
  location /rewritten/ { rewrite ^/rewritten/(.*) /to/$1 break; proxy_pass http://u%ID%; }
  location /replaced/ { proxy_pass http://u%ID%/to/; }`;
const COMMON = `proxy_http_version 1.1; proxy_set_header Connection ""; client_body_timeout 1s; client_header_timeout 1s; keepalive_timeout 500ms; ${LOCATIONS}`;
const HTTP = 'upstream u%ID% { server %B1%; keepalive 4; }';

/** The ways a proxy may be configured to be less strict, or faster. */
const WAYS: Readonly<Record<string, string>> = {
  buffered: COMMON,
  unbuffered: `proxy_request_buffering off; proxy_buffering off; ${COMMON}`,
  lenient: `ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; ${COMMON}`,
};

const ways = Object.entries(WAYS);
const cases: Case[] = [
  ...ways.flatMap(([way, conf]) =>
    requests.map(({ name, send }): Case => ({ name: `${way}: ${name}`, http: HTTP, conf, send })),
  ),
  ...ways
    .slice(0, 2)
    .flatMap(([way, conf]) =>
      responses.map(({ name }): Case => ({ name: `${way}: ${name}`, http: HTTP, conf, send: '' })),
    ),
];

describe('smuggling', { skip: process.platform !== 'linux', concurrency: 32 }, () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer('tsresty', cases);
  });
  after(async () => {
    await server?.stop();
  });
  let index = 0;
  for (const [way] of ways) {
    for (const c of requests) {
      const i = index++;
      test(`${way}: ${c.name}`, () => smuggle(server.places[i] as Places, c, way === 'lenient'));
    }
  }
  for (const [way] of ways.slice(0, 2)) {
    for (const c of responses) {
      const i = index++;
      test(`${way}: response: ${c.name}`, () => split(server.places[i] as Places, c));
    }
  }
});

const VICTIM = 'GET /victim HTTP/1.1\r\nHost: case\r\nConnection: close\r\n\r\n';
const FOR_VICTIM = 'for GET /victim';

/** Answers with what was asked for. */
const answerTo = (request: string): string => {
  const body = `for ${/^\S+ \S+/.exec(request)?.[0]}`;
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${request.startsWith('HEAD ') ? '' : body}`;
};

async function smuggle(places: Places, c: Smuggle, anyName: boolean): Promise<void> {
  const backends = new Backends();
  await backends.listen([{ name: 'B1', address: places.address('B1'), scripts: [answerTo] }]);
  try {
    const attacker = new Client(places);
    attacker.send(c.send);
    const received = await attacker.end();
    const victim = new Client(places);
    victim.send(VICTIM);
    const answer = readResponse(await victim.end(), 0, 'GET');
    assert.equal(answer?.body, FOR_VICTIM, 'the next client must get its own response');
    const seen: string[] = [];
    for (const { bytes, end } of backends.connections) {
      for (const { line, body, complete } of strictRequests(bytes, anyName)) {
        // A body that turned out wrong on its way: the backend is told so by the end of the connection.
        if (!complete) assert.equal(end, '(closed)', 'half a request must be followed by the end');
        else seen.push(`${line.slice(0, line.lastIndexOf(' '))} ${body.length}`);
      }
    }
    assert.deepEqual(
      seen.filter((one) => one !== 'GET /victim 0'),
      c.passes,
    );
    for (const one of strictResponses(
      received,
      Array(9)
        .fill('GET')
        .fill('HEAD', 0, c.send.startsWith('HEAD') ? 1 : 0),
    )) {
      assert.doesNotMatch(one.body, /\/evil/);
    }
  } finally {
    backends.close();
  }
}

/** A backend whose first response says more than it should. Two clients after it must get their own. */
async function split(places: Places, c: Splitting): Promise<void> {
  const backends = new Backends();
  let first = true;
  await backends.listen([
    {
      name: 'B1',
      address: places.address('B1'),
      scripts: [
        (request) => {
          if (!first) return answerTo(request);
          first = false;
          return c.backend;
        },
      ],
    },
  ]);
  try {
    const method = c.method ?? 'GET';
    const one = new Client(places);
    one.send(`${method} /first HTTP/1.1\r\nHost: case\r\n\r\n`);
    await one.response(method);
    // What comes late is to come while the connection to the backend is idle.
    if (typeof c.backend !== 'string') await new Promise((go) => setTimeout(go, 200));
    one.send('GET /second HTTP/1.1\r\nHost: case\r\nConnection: close\r\n\r\n');
    const received = await one.end();
    const answers = strictResponses(received, [method, 'GET']).filter(({ line }) => !/^HTTP\/1\.1 1/.test(line));
    if (c.breaks !== true) {
      assert.equal(answers.length, 2, received);
      assert.equal(answers[1]?.body, 'for GET /second');
    }
    if (c.status !== undefined) assert.equal(answers[0]?.line.slice(9, 12), c.status);
    if (c.clean !== false) assert.doesNotMatch(received, /evil/i);
    for (let i = 0; i < 2; i++) {
      const victim = new Client(places);
      victim.send(VICTIM);
      const answer = await victim.end();
      assert.equal(readResponse(answer, 0, 'GET')?.body, FOR_VICTIM);
      assert.doesNotMatch(answer, /evil/i);
      assert.equal(strictResponses(answer, ['GET']).length, 1);
    }
    for (const { bytes } of backends.connections) strictRequests(bytes);
  } finally {
    backends.close();
  }
}
