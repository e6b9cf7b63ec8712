/** Contexts, with the certificates that they have, or others that are known only at run time. nginx: ngx_ssl_t. */
import type { SecureContext } from 'node:tls';
import { type ContextOptions, makeContext } from './context.ts';
import type { CertificatePair } from './files.ts';

/** Contexts with certificates that are known only at run time, kept of one context's. */
const MOST_VARIANTS = 256;

let last = 0;

/** The context of a server, or of locations with the same settings. */
export class VariantContext {
  /** Tells contexts apart in keys. */
  readonly id: number = ++last;
  private options: ContextOptions | undefined = undefined;
  private own: SecureContext | undefined = undefined;
  private readonly variants = new Map<string, SecureContext>();
  private readonly complete: (context: SecureContext) => SecureContext;

  /** @param complete called with each context that is made */
  constructor(complete: (context: SecureContext) => SecureContext = (context) => context) {
    this.complete = complete;
  }

  /** It has its options. */
  get made(): boolean {
    return this.options !== undefined;
  }

  /** Makes it. Throws ConfError. */
  make(options: ContextOptions): void {
    this.prepare(options);
    this.own = this.complete(makeContext(options));
  }

  /** Has it made at its first use: of options that cannot be wrong. */
  prepare(options: ContextOptions): void {
    this.options = options;
  }

  get context(): SecureContext {
    this.own ??= this.complete(makeContext(this.options as ContextOptions));
    return this.own;
  }

  /** What it shows itself, PEM; undefined for nothing, or several. */
  get pair(): CertificatePair | undefined {
    const { cert, key } = this.options ?? {};
    if (!Array.isArray(cert) || !Array.isArray(key) || cert.length !== 1) return undefined;
    const { pem, passphrase } = key[0] as { readonly pem: string; readonly passphrase?: string };
    return { certificate: cert[0] as string, key: pem, passphrase };
  }

  /** The same with certificates to show. Throws ConfError. */
  withPairs(pairs: readonly CertificatePair[]): SecureContext {
    const name = pairs.map((pair) => `${pair.passphrase ?? ''}\n${pair.certificate}\n${pair.key}`).join('\n');
    return this.variant(name, (options) => setPairs(options, pairs));
  }

  /** The same with other options. `name` tells them apart. Throws ConfError. */
  variant(name: string, change: (options: ContextOptions) => void): SecureContext {
    const { variants } = this;
    let context = variants.get(name);
    if (context === undefined) {
      const options = { ...(this.options as ContextOptions) };
      change(options);
      context = this.complete(makeContext(options));
      if (variants.size >= MOST_VARIANTS) variants.delete(variants.keys().next().value as string);
      variants.set(name, context);
    } else if (variants.size >= MOST_VARIANTS) {
      // The one that was not used for the longest time goes first.
      variants.delete(name);
      variants.set(name, context);
    }
    return context;
  }
}

/** Certificates to show, with their keys. */
export function setPairs(options: ContextOptions, pairs: readonly CertificatePair[]): void {
  options.cert = pairs.map((pair) => pair.certificate);
  options.key = pairs.map(({ key, passphrase }) =>
    passphrase === undefined ? { pem: key } : { pem: key, passphrase },
  );
}
