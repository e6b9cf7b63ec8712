/** Requests over HTTP/2 with prior knowledge, by curl(1), as Test::Nginx sends them. */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Packet } from './request.ts';
import type { Place } from './settings.ts';

/** What curl printed. */
export interface CurlResult {
  readonly output: string;
  readonly errors: string;
}

/**
 * Sends a request.
 * @param timeout seconds
 * @param options more of curl's options
 */
export async function curl(
  packets: readonly Packet[],
  place: Place,
  timeout: number,
  protocol: string,
  options: string | undefined,
): Promise<CurlResult> {
  const request = packets.map((packet) => packet.data).join('');
  const line = /^\s*(\w+)\s+(\S+)\s+HTTP\/(\S+)\r?\n/.exec(request);
  if (line === null) throw new Error(`cannot parse the status line in the request: ${request}`);
  const [, method, uri, version] = line;
  const headEnd = request.indexOf('\r\n\r\n');
  const fields = request
    .slice(line[0].length, headEnd)
    .split('\r\n')
    .filter((field) => !/^Connection\s*:/i.test(field));
  const body = request.slice(headEnd + 4);
  const args = ['-i', '-sS', '-H', 'User-Agent:', '-H', 'Accept:', '-H', 'Host:', '--http2-prior-knowledge'];
  if (method === 'HEAD') args.push('-I');
  else if (method !== 'GET') args.push('-X', method!);
  if (version !== '1.1') args.push('-0');
  for (const field of fields) args.push('-H', field);
  const file = join(place.root, 'html/curl.data.bin');
  if (body !== '') {
    if (!fields.some((field) => /^\s*Content-Type\s*:/i.test(field))) args.push('-H', 'Content-Type: ');
    writeFileSync(file, body, 'latin1');
    args.push('--data-binary', `@${file}`);
  }
  args.push('--connect-timeout', String(timeout), '--max-time', String(timeout));
  if (options !== undefined) args.push(options);
  args.push(`${protocol}://127.0.0.1:${place.port}${uri}`);
  const result = await collect(args);
  rmSync(file, { force: true });
  return result;
}

function collect(args: readonly string[]): Promise<CurlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('curl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('latin1').on('data', (text: string) => (errors += text));
    child.once('error', (error) => reject(new Error(`curl cannot be run: ${error.message}`)));
    child.once('close', () => resolve({ output, errors }));
  });
}
