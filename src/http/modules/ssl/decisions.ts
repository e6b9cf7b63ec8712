/**
 * What user code has decided about one handshake, and how OpenSSL is told. ngx_lua works on the SSL object itself, by
 * calls that Node does not have; here the decisions are gathered, and applied when the code has ended.
 */
import type { SecureContext } from 'node:tls';
import type { HandshakeControl } from '../../../net/tls-hooks.ts';
import { setProtocols } from '../../ssl/context.ts';
import { privateKeyOf, splitCertificates } from '../../ssl/files.ts';
import { setPairs, type VariantContext } from '../../ssl/variant-context.ts';
import { CertificateChoice } from './certificate-choice.ts';
import type { SslServer } from './conf.ts';

/** How the client's certificate is to be verified. */
export interface ClientVerification {
  /** PEM. Undefined for what the server trusts. */
  readonly authorities: readonly string[] | undefined;
  readonly depth: number;
}

export class Decisions {
  /** Or-ed PROTOCOL_* bits, instead of the server's. */
  protocols: number | undefined = undefined;
  verification: ClientVerification | undefined = undefined;
  /** An OCSP response in DER, instead of the server's. */
  ocspResponse: Buffer | undefined = undefined;
  /** Of the session that is looked for or stored; empty when there is none. */
  sessionId: Buffer = Buffer.alloc(0);
  /** It, in DER. */
  sessionData: Buffer | undefined = undefined;
  /** What user code keeps with the connection; each language knows its own. */
  userData: unknown = undefined;

  private choice: CertificateChoice | undefined = undefined;

  /** Other certificates may be shown than those of the server. */
  get changed(): boolean {
    return this.choice !== undefined;
  }

  /** The certificates, to be changed; at first those of the server. */
  certificates(conf: SslServer): CertificateChoice {
    if (this.choice === undefined) {
      this.choice = new CertificateChoice();
      const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
      for (const { certificate, key, passphrase } of conf.pairs) {
        const [first, ...issuers] = splitCertificates(certificate);
        this.choice.useCertificate(new Certificate(first as string));
        for (const issuer of issuers) this.choice.addIssuer(issuer);
        this.choice.useKey(privateKeyOf(key, passphrase));
      }
    }
    return this.choice;
  }

  /**
   * Tells OpenSSL which certificates to show and whether to ask for one.
   *
   * @throws ConfError, or OpenSSL's errors
   */
  show(control: HandshakeControl, conf: SslServer): void {
    const variants = conf.variants as VariantContext;
    const { verification } = this;
    const authorities = verification?.authorities;
    for (const pair of this.choice?.pairs() ?? conf.pairs) {
      const name = [pair.passphrase ?? '', pair.certificate, pair.key, ...(authorities ?? ['own'])].join('\n');
      const context = variants.variant(name, (options) => {
        setPairs(options, [pair]);
        if (authorities !== undefined) options.ca = [...authorities];
      });
      control.use(context);
    }
    if (verification !== undefined) control.requestCertificate();
  }

  /**
   * The context that a handshake begins with.
   *
   * @param bare without certificates: they are chosen later
   */
  context(conf: SslServer, bare: boolean): SecureContext {
    const { protocols } = this;
    if (!bare && protocols === undefined) return conf.context as SecureContext;
    return (conf.variants as VariantContext).variant(`${bare ? 'bare' : 'own'} ${protocols ?? ''}`, (options) => {
      if (bare) {
        delete options.cert;
        delete options.key;
      }
      if (protocols !== undefined) setProtocols(options, protocols);
    });
  }
}
