/**
 * The requests of the soak: what each asks for, and what nginx's rules allow for an answer. A request that may be sent
 * again must be answered by some backend, since two are always well; one that may not (POST, a body that was not kept)
 * may meet the end of its backend. Once a response has begun, the end of its backend cuts it off, and the client must
 * see that.
 */
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type Agent as TlsAgent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { BodyCheck, bodyOf } from './pattern.ts';

/** Milliseconds after which a request counts as hanging. */
const DEADLINE = 30_000;

/** How a request ended. */
export interface Outcome {
  /** `200`, `cut 200`, `aborted`, ...: for the tally. */
  readonly text: string;
  /** Undefined when this was allowed. */
  readonly wrong: string | undefined;
}

export interface Scene {
  readonly port: number;
  readonly tlsPort: number;
  readonly mark: string;
  /** Counts up, for the choice of sizes and the like. */
  readonly n: number;
  readonly agent: Agent;
  readonly tlsAgent: TlsAgent;
  /** What was asked before on the connections of each agent, and how it ended. */
  readonly before: { plain: string; tls: string };
  /** Backends suffer at present. */
  readonly striking: () => boolean;
}

interface Ask {
  readonly location: string;
  readonly action: string;
  readonly method?: string;
  readonly size?: number;
  /** Bytes of request body; `chunked` without their length. */
  readonly body?: number;
  readonly chunked?: boolean;
  readonly fresh?: boolean;
  /** Pauses while reading. */
  readonly slow?: boolean;
  /** What may come back. `cut`: a response whose end is missing. */
  readonly allowed: readonly (number | 'cut')[];
}

const SIZES = [0, 120, 1000, 5000, 40_000, 70, 12_000, 200, 300, 150_000];
const BODIES = [10, 3000, 20_000, 1, 300_000, 70_000, 500];

function pick<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T;
}

/**
 * After a failure in the middle of a body that is passed on as it comes, the server closes the connection although its
 * answer promised to keep it (nginx: r->reading_body in ngx_http_finalize_connection()). A client that was quick with its
 * next request sends that again elsewhere. RFC 9112, section 9.3.1.
 */
const BODY_LEFT = /^\w+ \/arriving\/.*: 50[24]$/;

/** Sends one request by node:http and judges its answer. */
function ask(scene: Scene, what: Ask): Promise<Outcome> {
  const { mark } = scene;
  const { size = 0, body = 0, method = 'GET' } = what;
  const striking = scene.striking();
  return new Promise((resolve) => {
    const path = `/${what.location}/${what.action}/${mark}?size=${size}&body=${body}`;
    const headers: Record<string, string> = { 'X-Mark': mark };
    if (body > 0 && what.chunked !== true) headers['Content-Length'] = String(body);
    if (what.fresh === true) headers.Connection = 'close';
    // Every third one over TLS.
    const tls = scene.n % 3 === 0;
    const agent = what.fresh === true ? false : tls ? scene.tlsAgent : scene.agent;
    const options = { host: '127.0.0.1', path, method, headers, agent };
    const request = tls
      ? httpsRequest({ ...options, port: scene.tlsPort, rejectUnauthorized: false })
      : httpRequest({ ...options, port: scene.port });
    let settled = false;
    const settle = (text: string, wrong: string | undefined): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      if (what.fresh !== true) scene.before[tls ? 'tls' : 'plain'] = `${method} ${path}: ${text}`;
      resolve({ text, wrong: wrong === undefined ? undefined : `${method} ${path}: ${wrong}` });
    };
    const timer = setTimeout(() => {
      settle('hanging', 'no end');
      request.destroy();
    }, DEADLINE);
    request.on('error', (error: NodeJS.ErrnoException) => {
      const before = scene.before[tls ? 'tls' : 'plain'];
      if (request.reusedSocket && error.code === 'ECONNRESET' && BODY_LEFT.test(before)) {
        settled = true;
        clearTimeout(timer);
        resolve(ask(scene, { ...what, fresh: true }));
        return;
      }
      const how = `${tls ? 'TLS' : 'plain'}, ${request.reusedSocket ? `kept after ${before}` : 'new'}`;
      settle('failed', `failed: ${error.code ?? error.message} (${how})`);
    });
    request.on('response', (response) => {
      judge(response, scene, what, striking).then(
        ({ text, wrong }) => settle(text, wrong),
        (error: unknown) => settle('failed', String(error)),
      );
    });
    send(request, mark, body, what.chunked === true);
  });
}

function send(request: ClientRequest, mark: string, body: number, chunked: boolean): void {
  if (body === 0) {
    request.end();
    return;
  }
  const bytes = bodyOf(mark, body);
  if (!chunked) {
    request.end(bytes);
    return;
  }
  const part = Math.ceil(body / 4);
  for (let at = 0; at < body; at += part) request.write(bytes.subarray(at, at + part));
  request.end();
}

async function judge(response: IncomingMessage, scene: Scene, what: Ask, striking: boolean): Promise<Outcome> {
  const { mark } = scene;
  const { statusCode: status = 0, headers } = response;
  const own = status === 200 || headers['x-mark'] !== undefined;
  const check = new BodyCheck(mark, status === 200 && what.method !== 'HEAD' ? (what.size ?? 0) : 0);
  let cut = false;
  try {
    let reads = 0;
    for await (const chunk of response) {
      if (own) check.take(chunk as Buffer);
      if (what.slow === true && ++reads % 4 === 0) await delay(25);
    }
  } catch {
    cut = true;
  }
  const text = cut ? `cut ${status}` : String(status);
  let wrong: string | undefined;
  if (own && headers['x-mark'] !== mark) wrong = `crossed: answered with the mark ${headers['x-mark']}`;
  else if (status === 200 && headers['x-field'] !== mark) wrong = `crossed: the field was ${headers['x-field']}`;
  else if (status === 200 && headers['x-body'] !== 'right') wrong = `the backend saw a body ${headers['x-body']}`;
  else if (own && !check.right) wrong = `a wrong body, ${check.seen} bytes`;
  else if (own && !cut && !check.complete) wrong = `an incomplete body taken for complete, ${check.seen} bytes`;
  else if (cut) {
    // A response that has begun cannot be begun again elsewhere.
    if (!what.allowed.includes('cut') && !(what.action === 'any' && (striking || scene.striking()))) {
      wrong = `cut off after ${check.seen} bytes`;
    }
  } else if (!what.allowed.includes(status)) {
    wrong = `answered ${status}`;
  }
  return { text, wrong };
}

/** Locations through which requests go to backends that suffer. */
const LOCATIONS = ['keep', 'fresh', 'old', 'direct', 'small', 'arriving', 'file'];

/** What may come of a request to backends that suffer. */
function allowed(scene: Scene, location: string, method: string): readonly number[] {
  const again = location !== 'arriving' && method !== 'POST';
  return again || !scene.striking() ? [200] : [200, 502, 504];
}

function any(scene: Scene, method: string, rest: Partial<Ask>): Promise<Outcome> {
  const location = rest.location ?? pick(LOCATIONS, scene.n);
  const what = { location, action: 'any', method, fresh: scene.n % 5 === 0, ...rest };
  return ask(scene, { ...what, allowed: allowed(scene, location, method) });
}

/** Failures that the request itself asks for, so that the answer is certain. */
const FAULTS: readonly Ask[] = [
  { location: 'faults', action: 'drop', allowed: [502] },
  { location: 'faults', action: 'reset', allowed: [502] },
  { location: 'faults', action: 'garbage', allowed: [502] },
  { location: 'faults', action: 'half-head', allowed: [502] },
  { location: 'faults', action: 'cut', size: 4000, allowed: ['cut'] },
  { location: 'faults', action: 'cut', size: 90_000, allowed: ['cut'] },
  { location: 'faults', action: 'cut-chunk', size: 4000, allowed: ['cut'] },
  { location: 'faults', action: 'excess', size: 300, allowed: [200] },
  // To one backend, since all of several may close under a request, which is a 502 then.
  { location: 'closing', action: 'close-after', size: 2000, allowed: [200] },
  { location: 'faults', action: 'until-close', size: 9000, allowed: [200] },
  { location: 'faults', action: 'busy', size: 500, allowed: [200] },
  { location: 'faults', action: 'chunked', size: 30_000, allowed: [200] },
  { location: 'faults', action: 'early', method: 'PUT', body: 400_000, allowed: [413, 502] },
  { location: 'hang', action: 'hang', allowed: [504] },
];

function fault(scene: Scene): Promise<Outcome> {
  return ask(scene, pick(FAULTS, Math.floor(scene.n / 10)));
}

/** A client that goes: while it sends a body, while it waits, or while it reads. */
function abort(scene: Scene): Promise<Outcome> {
  const { mark, n } = scene;
  const point = n % 3;
  const location = pick(['faults', 'direct', 'arriving', 'small'], n);
  const action = point === 1 ? 'hang' : 'any';
  return new Promise((resolve) => {
    const plain = connect(n % 4 < 2 ? scene.port : scene.tlsPort, '127.0.0.1');
    const socket = n % 4 < 2 ? plain : tlsConnect({ socket: plain, rejectUnauthorized: false });
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ text: 'hanging', wrong: `an abort of ${mark} does not end` });
    }, DEADLINE);
    socket.on('error', () => {});
    plain.on('error', () => {});
    plain.on('close', () => {
      socket.destroy();
      clearTimeout(timer);
      resolve({ text: 'aborted', wrong: undefined });
    });
    const go = (): void => {
      if (n % 2 === 0) plain.resetAndDestroy();
      else plain.destroy();
    };
    const body = point === 0 ? 200_000 : 0;
    const size = point === 2 ? 600_000 : 0;
    socket.write(
      `POST /${location}/${action}/${mark}?size=${size}&body=${body} HTTP/1.1\r\nHost: a\r\nX-Mark: ${mark}\r\n` +
        `Content-Length: ${body}\r\n\r\n`,
    );
    if (point === 0) socket.write(bodyOf(mark, 90_000), () => setTimeout(go, 3));
    else if (point === 1) setTimeout(go, 20);
    else socket.once('data', () => setTimeout(go, n % 20));
  });
}

/** Reads from a raw connection until `whole` finds all it waits for in the text. */
function raw(scene: Scene, text: string, whole: (seen: string, ended: boolean, socket: Socket) => Outcome | undefined) {
  return new Promise<Outcome>((resolve) => {
    const socket = connect(scene.port, '127.0.0.1');
    let seen = '';
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(
      () => settle({ text: 'hanging', wrong: `raw ${scene.mark} hangs after ${JSON.stringify(seen.slice(-200))}` }),
      DEADLINE,
    );
    const look = (ended: boolean): void => {
      const outcome = whole(seen, ended, socket);
      if (outcome !== undefined) settle(outcome);
      else if (ended)
        settle({ text: 'cut', wrong: `raw ${scene.mark}: ended after ${JSON.stringify(seen.slice(-200))}` });
    };
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle({ text: 'failed', wrong: `raw ${scene.mark}: ${error.code ?? error.message}` }),
    );
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      seen += chunk;
      look(false);
    });
    socket.on('end', () => look(true));
    socket.write(text);
  });
}

/** Several requests in one write: their answers must come in their order. */
function pipelined(scene: Scene): Promise<Outcome> {
  const marks = [0, 1, 2, 3, 4].map((i) => `${scene.mark}p${i}`);
  const text = marks.map((mark, i) => {
    const close = i === marks.length - 1 ? 'Connection: close\r\n' : '';
    return `PUT /faults/plain/${mark}?size=${100 * i}&body=50 HTTP/1.1\r\nHost: a\r\nX-Mark: ${mark}\r\nContent-Length: 50\r\n${close}\r\n${bodyOf(mark, 50).toString('latin1')}`;
  });
  return raw(scene, text.join(''), (seen, ended) => {
    if (!ended) return undefined;
    const order = [...seen.matchAll(/^X-Mark: (.*)\r$/gm)].map((match) => match[1]);
    const bodies = [...seen.matchAll(/^X-Body: (.*)\r$/gm)].map((match) => match[1]);
    const right =
      order.join() === marks.join() &&
      bodies.join() === marks.map(() => 'right').join() &&
      marks.every((mark, i) => seen.includes(bodyOf(mark, 100 * i).toString('latin1')));
    return { text: 'pipelined', wrong: right ? undefined : `pipelined ${scene.mark}: ${order} ${bodies}` };
  });
}

/** An HTTP/1.0 client, which reads to the end of the connection. */
function old(scene: Scene): Promise<Outcome> {
  const { mark } = scene;
  return raw(scene, `GET /faults/chunked/${mark}?size=700 HTTP/1.0\r\nX-Mark: ${mark}\r\n\r\n`, (seen, ended) => {
    if (!ended) return undefined;
    const right =
      seen.startsWith('HTTP/1.1 200 ') &&
      seen.includes(`X-Mark: ${mark}\r\n`) &&
      seen.endsWith(`\r\n\r\n${bodyOf(mark, 700).toString('latin1')}`);
    return { text: 'HTTP/1.0', wrong: right ? undefined : `HTTP/1.0 ${mark}: ${JSON.stringify(seen.slice(0, 300))}` };
  });
}

/** An upgraded connection that gives back all it is sent, in three parts. */
function upgraded(scene: Scene): Promise<Outcome> {
  const { mark, n } = scene;
  const part = bodyOf(mark, pick([10, 3000, 100_000], n)).toString('latin1');
  let sent = 0;
  const head =
    `GET /socket/echo/${mark} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `X-Mark: ${mark}\r\n\r\n`;
  return raw(scene, head, (seen, ended, socket) => {
    const begin = seen.indexOf('\r\n\r\n') + 4;
    if (begin < 4 || ended) return undefined;
    if (!seen.startsWith('HTTP/1.1 101 ') || !seen.includes(`X-Mark: ${mark}\r\n`)) {
      return { text: 'refused', wrong: `upgrade ${mark}: ${JSON.stringify(seen.slice(0, 200))}` };
    }
    const back = seen.length - begin;
    if (back < sent * part.length) return undefined;
    if (seen.slice(begin) !== part.repeat(sent)) return { text: 'wrong', wrong: `upgrade ${mark}: a wrong echo` };
    if (sent === 3) return { text: '101', wrong: undefined };
    sent++;
    socket.write(part, 'latin1');
    return undefined;
  });
}

/** One request of the kind that its number stands for. */
export function one(scene: Scene): Promise<Outcome> {
  const { n } = scene;
  const turn = Math.floor(n / 20);
  switch (n % 20) {
    case 0:
    case 10:
      return fault(scene);
    case 1:
      return n % 60 === 1 ? abort({ ...scene, n: Math.floor(n / 60) }) : any(scene, 'GET', {});
    case 2:
    case 12:
      return any(scene, 'POST', { body: pick(BODIES, turn), size: pick(SIZES, n) });
    case 3:
      return any(scene, 'PUT', { body: pick(BODIES, turn), chunked: true, size: 60 });
    case 4:
      return any(scene, 'DELETE', { body: pick(BODIES, turn), size: 10 });
    case 5:
      return any(scene, 'HEAD', { size: pick(SIZES, turn) });
    case 6:
      if (n % 100 !== 6) return any(scene, 'GET', { size: 2000 });
      return any(scene, 'GET', { size: 900_000, slow: true, location: pick(['small', 'keep', 'direct'], turn) });
    case 7:
      return n % 40 === 7 ? pipelined(scene) : old(scene);
    case 8:
      return n % 40 === 8 ? upgraded(scene) : any(scene, 'GET', { size: 400 });
    case 9:
      return any(scene, 'POST', { body: pick(BODIES, turn), chunked: true, location: 'arriving' });
    default:
      return any(scene, 'GET', { size: pick(SIZES, turn + n) });
  }
}
