/** Authorities that answer for their certificates, by the openssl command: answers are made file by file. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pki } from './pki.ts';

export type Verdict = 'good' | 'revoked' | 'unknown';

/** How an answer is made. */
export interface AnswerOptions {
  /** Name of the certificate and key that sign it; the authority by default. */
  readonly signer?: string;
  /** Arguments for `openssl ocsp`. `-ndays 1` by default. */
  readonly extra?: readonly string[];
}

let serial = 0x1000;

export class OcspAuthority {
  readonly pki: Pki = new Pki();
  readonly #serials = new Map<string, string>();
  readonly #verdicts = new Map<string, Verdict>();
  readonly #processes: ChildProcess[] = [];

  path(file: string): string {
    return join(this.pki.dir, file);
  }

  certificate(name: string): X509Certificate {
    return new X509Certificate(this.pki.pem(`${name}.crt`));
  }

  /** A certificate with the URL of a responder; '' for none. `usage`: its extended key usage. */
  issue(name: string, by: string, url: string, lines: readonly string[] = []): void {
    const { pki } = this;
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    pki.openssl('req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const all = url === '' ? lines : [`authorityInfoAccess=caIssuers;URI:http://x/,OCSP;URI:${url}`, ...lines];
    writeFileSync(this.path('ext'), `${all.join('\n')}\n`);
    const number = (++serial).toString(16).toUpperCase();
    const issuer = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-set_serial', `0x${number}`, '-extfile', 'ext'];
    pki.openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-days', '30', ...issuer);
    this.#serials.set(name, number);
    this.say(name, 'good');
  }

  /** What is answered about a certificate from now on. */
  say(name: string, verdict: Verdict): void {
    this.#verdicts.set(name, verdict);
    let index = '';
    for (const [one, said] of this.#verdicts) {
      if (said === 'unknown') continue;
      const revoked = said === 'revoked' ? '200101000000Z' : '';
      index += `${said === 'revoked' ? 'R' : 'V'}\t301231000000Z\t${revoked}\t${this.#serials.get(one)}\tunknown\t/CN=${one}\n`;
    }
    writeFileSync(this.path('index.txt'), index);
  }

  #arguments(by: string, { signer = by, extra = ['-ndays', '1'] }: AnswerOptions): string[] {
    const signing = ['-rsigner', `${signer}.crt`, '-rkey', `${signer}.key`];
    return ['ocsp', '-index', 'index.txt', '-CA', `${by}.crt`, ...signing, ...extra];
  }

  /** The answer to a request, in DER. */
  answer(by: string, request: Buffer, options: AnswerOptions = {}): Buffer {
    writeFileSync(this.path('request.der'), request);
    const files = ['-reqin', 'request.der', '-respout', 'response.der'];
    execFileSync('openssl', [...this.#arguments(by, options), ...files], { cwd: this.pki.dir, stdio: 'pipe' });
    return readFileSync(this.path('response.der'));
  }

  /** A responder of OpenSSL's on a port. */
  async listen(by: string, port: number): Promise<void> {
    const child = spawn('openssl', [...this.#arguments(by, {}), '-port', String(port)], {
      cwd: this.pki.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    // A connection without a request would keep it busy.
    await new Promise<void>((resolve, reject) => {
      let said = '';
      const hear = (text: Buffer): void => {
        said += text;
        if (said.includes('waiting for OCSP client')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('exit', () => reject(new Error(`openssl ocsp: ${said}`)));
    });
  }

  remove(): void {
    for (const child of this.#processes) child.kill();
    this.pki.remove();
  }
}
