/** A load from wrk on loopback, bounded in time, with what it saw. */
import { spawn } from 'node:child_process';

export interface Load {
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Responses other than 2xx and 3xx, and failures of sockets. */
  readonly errors: number;
}

/** `1.23ms`, `456.00us`, `2.01s` in milliseconds. */
function milliseconds(text: string): number {
  const value = Number.parseFloat(text);
  return text.endsWith('us') ? value / 1000 : text.endsWith('ms') ? value : value * 1000;
}

export async function load(
  url: string,
  headers: Readonly<Record<string, string>>,
  seconds: number,
  connections: number,
): Promise<Load> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const child = spawn('wrk', [...args, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk));
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`wrk is needed for the load (Debian's package wrk): ${error.message}`)),
    );
    child.once('exit', () => resolve());
  });
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const latency = (percent: string): number =>
    milliseconds(new RegExp(`^ +${percent}%\\s+(\\S+)`, 'm').exec(text)?.[1] ?? '0us');
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const failures = broken === null ? 0 : broken.slice(1).reduce((sum, n) => sum + Number(n), 0);
  return { requests, p50: latency('50'), p99: latency('99'), errors: refused + failures };
}
