/**
 * encrypted-session-nginx-module: values that clients keep but cannot read or change: AES-256-CBC, with an MD5 digest
 * of the plain text in front and an expiry time at its end.
 * Manual: https://github.com/openresty/encrypted-session-nginx-module
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { ContextName, Directive } from '../../conf/directive.ts';
import { parseTime } from '../../conf/units.ts';
import { LOG_ERR } from '../../log/log.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { addSetVar, nameSetVars, type SetVar } from './rewrite/set-var.ts';

interface EncryptedSessionLocation {
  /** 32 bytes. */
  key: string | undefined;
  /** 16 bytes. */
  iv: string | undefined;
  /** Seconds; 0 for ever. */
  expires: number | undefined;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'if in server', 'location', 'if in location'];
const KEY_LENGTH = 32;
const IV_LENGTH = 16;
const DIGEST_LENGTH = 16;
const DEFAULT_IV = 'deadbeefdeadbeef';
const DAY = 86400;

interface Secret {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly expires: number;
}

function secretOf(r: HttpRequest): Secret | undefined {
  const { key, iv, expires } = encryptedSessionModule.location(r);
  if (key === undefined) {
    r.log(LOG_ERR, 'encrypted_session: a key is required to be defined by the encrypted_session_key directive');
    return undefined;
  }
  return {
    key: Buffer.from(key, 'latin1'),
    iv: Buffer.from(iv ?? DEFAULT_IV, 'latin1'),
    expires: expires ?? DAY,
  };
}

const md5 = (data: Buffer): Buffer => createHash('md5').update(data).digest();
const now = (): number => Math.floor(Date.now() / 1000);

function encrypt(r: HttpRequest, [text]: readonly string[]): string | undefined {
  const secret = secretOf(r);
  if (secret === undefined) return undefined;
  const data = Buffer.alloc((text as string).length + 8);
  data.write(text as string, 'latin1');
  if (secret.expires !== 0) data.writeBigUInt64BE(BigInt(now() + secret.expires), data.length - 8);
  const cipher = createCipheriv('aes-256-cbc', secret.key, secret.iv);
  return Buffer.concat([md5(data), cipher.update(data), cipher.final()]).toString('latin1');
}

function decrypt(r: HttpRequest, [text]: readonly string[]): string | undefined {
  const secret = secretOf(r);
  if (secret === undefined) return undefined;
  const data = Buffer.from(text as string, 'latin1');
  // Whatever is wrong with it, the value is empty.
  if (data.length < DIGEST_LENGTH) return '';
  let plain: Buffer;
  try {
    const decipher = createDecipheriv('aes-256-cbc', secret.key, secret.iv);
    plain = Buffer.concat([decipher.update(data.subarray(DIGEST_LENGTH)), decipher.final()]);
  } catch {
    return '';
  }
  if (plain.length < 8 || !md5(plain).equals(data.subarray(0, DIGEST_LENGTH))) return '';
  const expires = Number(plain.readBigUInt64BE(plain.length - 8));
  return expires !== 0 && expires <= now() ? '' : plain.toString('latin1', 0, plain.length - 8);
}

const FUNCTIONS: readonly (readonly [string, SetVar])[] = [
  ['set_encrypt_session', { arguments: 1, run: encrypt }],
  ['set_decrypt_session', { arguments: 1, run: decrypt }],
];
nameSetVars(FUNCTIONS);

const directives: readonly Directive<EncryptedSessionLocation>[] = [
  {
    name: 'encrypted_session_key',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'key', default: undefined },
    doc: 'The key, 32 bytes.',
    set(cf, conf, args) {
      if (conf.key !== undefined) return 'is duplicate';
      conf.key = args[0] as string;
      if (conf.key.length !== KEY_LENGTH) {
        throw cf.error(`encrypted_session_key: the key must be of ${KEY_LENGTH} bytes long`);
      }
      return undefined;
    },
  },
  {
    name: 'encrypted_session_iv',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'iv', default: undefined },
    doc: 'The initial vector, up to 16 bytes.',
    defaultText: DEFAULT_IV,
    set(cf, conf, args) {
      if (conf.iv !== undefined) return 'is duplicate';
      const iv = args[0] as string;
      if (iv.length > IV_LENGTH) {
        throw cf.error(`encrypted_session_iv: the init vector must NOT be longer than ${IV_LENGTH} bytes`);
      }
      conf.iv = iv.padEnd(IV_LENGTH, '\0');
      return undefined;
    },
  },
  {
    name: 'encrypted_session_expires',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'expires', default: undefined },
    doc: 'How long an encrypted value is good; 0: for ever.',
    defaultText: '1d',
    set(_cf, conf, args) {
      if (conf.expires !== undefined) return 'is duplicate';
      conf.expires = parseTime(args[0] as string, 's');
      return conf.expires === undefined ? 'invalid value' : undefined;
    },
  },
  ...FUNCTIONS.map(
    ([name, fn]): Directive<EncryptedSessionLocation> => ({
      name,
      contexts: CONTEXTS,
      args: [1, 2],
      level: 'location',
      doc: `Sets a variable to a value ${name === 'set_encrypt_session' ? 'encrypted' : 'decrypted; empty when that fails'}.`,
      set(cf, _conf, words) {
        const [variable, value] = words as [string, string?];
        return addSetVar(cf, fn.run, variable, [value ?? variable]);
      },
    }),
  ),
];

export const encryptedSessionModule = httpModule<object, object, EncryptedSessionLocation>({
  name: 'ngx_http_encrypted_session_module',
  directives,
  createLocation: () => ({ key: undefined, iv: undefined, expires: undefined }),
});
