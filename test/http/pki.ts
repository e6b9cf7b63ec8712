/** Certificates for tests, made by the openssl command in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** What a certificate says besides its name. */
export interface Claims {
  readonly authority?: boolean;
  /** DNS names. */
  readonly names?: readonly string[];
  /** When it is good; a month from now by default. `20200101000000Z`. */
  readonly from?: string;
  readonly until?: string;
}

/** Keys are `NAME.key`, certificates `NAME.crt`. */
export class Pki {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'tsresty-pki-'));

  openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.dir, stdio: 'pipe' });
  }

  /** An authority, or any certificate that is signed by itself. */
  root(name: string): void {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.crt`, '-days', '30', '-subj', `/CN=${name}`];
    this.openssl('req', '-x509', ...EC, ...out);
  }

  signed(name: string, subject: string, by: string, claims: Claims = {}): void {
    this.openssl('req', ...EC, '-utf8', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const lines = [`basicConstraints=CA:${claims.authority === true ? 'TRUE' : 'FALSE'}`];
    if (claims.names !== undefined) lines.push(`subjectAltName=${claims.names.map((dns) => `DNS:${dns}`).join(',')}`);
    writeFileSync(join(this.dir, 'ext'), `${lines.join('\n')}\n`);
    const { from, until } = claims;
    if (from === undefined || until === undefined) {
      const issuer = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial', '-extfile', 'ext'];
      this.openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-days', '30', ...issuer);
      return;
    }
    this.#makeCa(by);
    const dates = ['-startdate', from, '-enddate', until, '-extfile', 'ext', '-in', `${name}.csr`];
    this.openssl('ca', '-config', `${by}.cnf`, '-batch', '-notext', ...dates, '-out', `${name}.crt`);
  }

  /** A list with the certificates that an authority revokes, `NAME.crl`. */
  revoke(name: string, by: string, ...certificates: string[]): void {
    this.#makeCa(by);
    for (const one of certificates) this.openssl('ca', '-config', `${by}.cnf`, '-revoke', `${one}.crt`);
    this.openssl('ca', '-config', `${by}.cnf`, '-gencrl', '-crldays', '30', '-out', `${name}.crl`);
  }

  #makeCa(by: string): void {
    const at = (file: string): string => join(this.dir, file);
    writeFileSync(at(`${by}.txt`), '', { flag: 'a' });
    writeFileSync(
      at(`${by}.cnf`),
      `[ca]\ndefault_ca=c\n[c]\ndatabase=${by}.txt\nnew_certs_dir=.\ncertificate=${by}.crt\nprivate_key=${by}.key\n` +
        `rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n`,
    );
  }

  /** Files joined. */
  pem(...names: string[]): string {
    return names.map((name) => readFileSync(join(this.dir, name), 'latin1')).join('');
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
