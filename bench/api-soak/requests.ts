/** One request of the soak: what is asked, when its client leaves, and what may come of it. */
import { type Agent, request as httpRequest } from 'node:http';
import { KINDS } from './configuration.ts';

export interface Order {
  readonly port: number;
  readonly agent: Agent;
  /** Unlike that of any other request: letters and digits. */
  readonly mark: string;
  /** The share of clients that leave before the end. */
  readonly leaving: number;
  /** The time of the last blow that may cut requests short (a killed worker), by performance.now(). */
  readonly lastBlow: () => number;
}

export interface Outcome {
  readonly kind: string;
  /** In few words: what the worker said, `left`, `cut`. */
  readonly text: string;
  /** What was not allowed. */
  readonly wrong?: string;
}

/** A request that is not answered after so many milliseconds is lost. */
const PATIENCE = 30_000;
const total = Object.values(KINDS).reduce((sum, { weight }) => sum + weight, 0);

function anyKind(): string {
  let at = Math.random() * total;
  for (const [kind, { weight }] of Object.entries(KINDS)) {
    at -= weight;
    if (at < 0) return kind;
  }
  return 'dict';
}

/** Lines of a stream carry the mark and their number, in order. */
function streamIsWhole(text: string, mark: string): boolean {
  const lines = text.split('\n');
  return (
    lines[0] === `${mark} begins` &&
    lines.slice(1, -2).every((line, i) => line.startsWith(`${mark}:${i + 1}`)) &&
    lines.at(-2) === `${mark} ok`
  );
}

export function one(order: Order, kind: string = anyKind()): Promise<Outcome> {
  const { mark, port, agent } = order;
  const withBody = kind === 'body' || kind === 'reqsocket';
  const size = withBody ? Math.floor(Math.random() ** 3 * 200_000) + 1 : 0;
  const leaves = Math.random() < order.leaving;
  const began = performance.now();
  return new Promise((resolve) => {
    let left = false;
    let settled = false;
    const end = (outcome: Omit<Outcome, 'kind'>): void => {
      if (settled) return;
      settled = true;
      clearTimeout(leaving);
      clearTimeout(losing);
      resolve({ kind, ...outcome });
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      if (settled) return;
      // A server may close an idle connection just as it is used: RFC 9112, section 9.5 has clients retry.
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE') && !answered;
      if (left) end({ text: 'left' });
      else if (order.lastBlow() > began - 100) end({ text: 'cut' });
      else if (!stale) end({ text: 'failed', wrong: `${kind} ${mark}: ${error.code ?? error.message}` });
      else {
        settled = true;
        clearTimeout(leaving);
        clearTimeout(losing);
        one(order, kind).then(resolve);
      }
    };
    let answered = false;
    const path = `/${kind}?mark=${mark}${withBody ? `&size=${size}` : ''}`;
    const request = httpRequest(
      { port, host: '127.0.0.1', path, agent, method: withBody ? 'POST' : 'GET' },
      (response) => {
        answered = true;
        let text = '';
        response.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', failed);
        response.on('end', () => {
          const said = text.endsWith('\n') ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1) : text;
          const outcome = said.slice(mark.length + 1);
          const headed = response.headers['x-mark'] === mark;
          const whole = kind === 'stream' ? streamIsWhole(text, mark) : text === `${said}\n`;
          if (response.statusCode === 200 && headed && whole && said.startsWith(`${mark} `) && !/WRONG/.test(text)) {
            end({ text: outcome });
          } else {
            end({ text: 'wrong', wrong: `${path}: ${response.statusCode} ${text.slice(0, 300)}` });
          }
        });
      },
    );
    request.on('error', failed);
    const losing = setTimeout(() => {
      end({ text: 'lost', wrong: `${path}: no answer after ${PATIENCE / 1000} s` });
      request.destroy();
    }, PATIENCE);
    const leaving = leaves
      ? setTimeout(() => {
          left = true;
          request.destroy();
          end({ text: 'left' });
        }, Math.random() * 40)
      : undefined;
    if (withBody) {
      const body = mark.repeat(Math.ceil(size / mark.length)).slice(0, size);
      const half = Math.floor(Math.random() * size);
      request.setHeader('Content-Length', size);
      request.write(body.slice(0, half), 'latin1');
      setTimeout(() => request.end(body.slice(half), 'latin1'), Math.random() * 20);
    } else request.end();
  });
}
