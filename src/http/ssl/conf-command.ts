/**
 * ssl_conf_command and its kin: OpenSSL's SSL_CONF_cmd(3), which Node does not offer. The commands that say what Node's own options
 * say are taken; any other is refused. nginx: ngx_ssl_conf_commands() (src/event/ngx_event_openssl.c).
 */
import { ConfError } from '../../conf/error.ts';
import type { KeyValue } from '../../conf/slots.ts';
import { type ContextOptions, opensslOption } from './context.ts';

/** Names in the command `Options`, with OpenSSL's option; `inverted`: the name enables what the option disables. */
const OPTIONS: Readonly<Record<string, { readonly option: string; readonly inverted?: boolean }>> = {
  SessionTicket: { option: 'SSL_OP_NO_TICKET', inverted: true },
  Compression: { option: 'SSL_OP_NO_COMPRESSION', inverted: true },
  EmptyFragments: { option: 'SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS', inverted: true },
  Bugs: { option: 'SSL_OP_ALL' },
  ServerPreference: { option: 'SSL_OP_CIPHER_SERVER_PREFERENCE' },
  NoResumptionOnRenegotiation: { option: 'SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION' },
  UnsafeLegacyRenegotiation: { option: 'SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION' },
  UnsafeLegacyServerConnect: { option: 'SSL_OP_LEGACY_SERVER_CONNECT' },
  EncryptThenMac: { option: 'SSL_OP_NO_ENCRYPT_THEN_MAC', inverted: true },
  PrioritizeChaCha: { option: 'SSL_OP_PRIORITIZE_CHACHA' },
  MiddleboxCompat: { option: 'SSL_OP_ENABLE_MIDDLEBOX_COMPAT' },
  NoRenegotiation: { option: 'SSL_OP_NO_RENEGOTIATION' },
};

const NO_RENEGOTIATION = 0x40000000;

function failed(key: string, value: string): ConfError {
  return new ConfError(`SSL_CONF_cmd("${key}", "${value}") failed`);
}

function unsupported(key: string, value: string): ConfError {
  return new ConfError(`SSL_CONF_cmd("${key}", "${value}") is not supported by tsresty`);
}

function setOptions(options: ContextOptions, key: string, value: string): void {
  for (const word of value.split(',')) {
    const on = !word.startsWith('-');
    const name = word.replace(/^[+-]/, '');
    const known = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    const bit = known?.option === 'SSL_OP_NO_RENEGOTIATION' ? NO_RENEGOTIATION : opensslOption(known?.option ?? '');
    if (known === undefined || bit === 0) throw unsupported(key, value);
    if (on !== (known.inverted === true)) options.secureOptions |= bit;
    else options.secureOptions &= ~bit;
  }
}

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

function version(key: string, value: string): (typeof VERSIONS)[number] {
  const found = VERSIONS.find((name) => name === value);
  if (found === undefined) throw failed(key, value);
  return found;
}

/** What a client's side takes besides. */
export interface ClientCommands {
  /** A server whose chain is not good is refused (`VerifyMode Peer`). */
  mustVerify: boolean;
}

/** Words of `VerifyMode`; those that are for servers say nothing to a client. */
const VERIFY_WORDS: ReadonlySet<string> = new Set([
  'Peer',
  'Request',
  'Require',
  'Once',
  'RequestPostHandshake',
  'RequirePostHandshake',
]);

function setVerifyMode(client: ClientCommands, key: string, value: string): void {
  for (const word of value.split(',')) {
    const name = word.replace(/^[+-]/, '');
    if (!VERIFY_WORDS.has(name)) throw failed(key, value);
    if (name === 'Peer') client.mustVerify = !word.startsWith('-');
  }
}

/**
 * Applies the commands, in their order. Names are taken in any case, as OpenSSL does.
 *
 * @param client of a client that minds VerifyMode
 */
export function applyConfCommands(
  options: ContextOptions,
  commands: readonly KeyValue[],
  client?: ClientCommands,
): void {
  for (const { key, value } of commands) {
    switch (key.toLowerCase()) {
      case 'cipherstring':
        options.ciphers = value;
        break;
      case 'ciphersuites':
        // Node takes both kinds in one list.
        options.ciphers = `${value}:${options.ciphers}`;
        break;
      case 'curves':
      case 'groups':
        options.ecdhCurve = value;
        break;
      case 'signaturealgorithms':
        options.sigalgs = value;
        break;
      case 'minprotocol':
        options.minVersion = version(key, value);
        break;
      case 'maxprotocol':
        options.maxVersion = version(key, value);
        break;
      case 'options':
        setOptions(options, key, value);
        break;
      case 'verifymode':
        if (client === undefined) throw unsupported(key, value);
        setVerifyMode(client, key, value);
        break;
      default:
        throw unsupported(key, value);
    }
  }
}
