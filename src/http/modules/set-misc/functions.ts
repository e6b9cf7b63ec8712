/**
 * What the set_* directives compute, by the directive's name: `(request, arguments) => value`. Lua calls the same by
 * `ndk.set_var.NAME`.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { currentSecond } from '../../../log/time.ts';
import type { HttpRequest } from '../../request.ts';
import type { SetVar } from '../rewrite/set-var.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { setMiscModule } from './conf.ts';
import { escapeComponent, quoteJson, quotePgsql, quoteSql, unescapeComponent } from './quote.ts';
import { strftime } from './strftime.ts';

function fail(r: HttpRequest, message: string): undefined {
  r.log(LOG_ERR, message);
  return undefined;
}

/** A function of one string. */
function of(fn: (text: string) => string): SetVar {
  return { arguments: 1, run: (_r, args) => fn(args[0] as string) };
}

function digest(algorithm: string): SetVar {
  return of((text) => createHash(algorithm).update(text, 'latin1').digest('hex'));
}

function hmac(algorithm: string): SetVar {
  return {
    arguments: 2,
    run(_r, [secret, text]) {
      const key = Buffer.from(secret as string, 'latin1');
      return createHmac(algorithm, key)
        .update(text as string, 'latin1')
        .digest()
        .toString('latin1');
    },
  };
}

/** As nginx decodes: up to the first `=`, nothing but the alphabet, and no single last digit. */
function decodeBase64(name: string, alphabet: RegExp): SetVar {
  return {
    arguments: 1,
    run(r, args) {
      const text = (args[0] as string).replace(/=.*$/s, '');
      if (!alphabet.test(text) || text.length % 4 === 1) return fail(r, `${name}: invalid value`);
      return Buffer.from(text, 'base64').toString('latin1');
    },
  };
}

function time(local: boolean): SetVar {
  return { arguments: 1, run: (_r, args) => strftime(args[0] as string, currentSecond(), local) };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const LONGEST_RANDOM = 64;

function secureRandom(alphabet: string): SetVar {
  return {
    arguments: 1,
    run(r, args) {
      const length = parseNumber(args[0] as string);
      if (length === undefined || length < 1 || length > LONGEST_RANDOM) {
        return fail(r, `set_random: bad "length" argument: ${args[0]}`);
      }
      let text = '';
      for (const byte of randomBytes(length)) text += alphabet[byte % alphabet.length];
      return text;
    },
  };
}

const random: SetVar = {
  arguments: 2,
  run(r, [fromText, toText]) {
    const from = parseNumber(fromText as string);
    if (from === undefined) return fail(r, `set_random: bad "from" argument: ${fromText}`);
    const to = parseNumber(toText as string);
    if (to === undefined) return fail(r, `set_random: bad "to" argument: ${toText}`);
    const low = Math.min(from, to);
    return String(low + Math.floor(Math.random() * (Math.abs(to - from) + 1)));
  },
};

const decodeHex: SetVar = {
  arguments: 1,
  run(r, args) {
    const text = args[0] as string;
    if (text.length % 2 !== 0 || (text !== '' && !/^[0-9a-fA-F]+$/.test(text))) {
      return fail(r, 'set_decode_hex: invalid value');
    }
    return Buffer.from(text, 'hex').toString('latin1');
  },
};

/** The next number of a range, from the variable's own value or from the last one that the location gave. */
export const rotate: SetVar = {
  arguments: 3,
  run(r, [currentText, fromText, toText]) {
    const from = parseNumber(fromText as string);
    if (from === undefined) return fail(r, `set_rotate: bad "from" argument value: "${fromText}"`);
    const to = parseNumber(toText as string);
    if (to === undefined) return fail(r, `set_rotate: bad "to" argument value: "${toText}"`);
    const low = Math.min(from, to);
    const high = Math.max(from, to);
    const conf = setMiscModule.location(r);
    let current = currentText === '' ? undefined : parseNumber(currentText as string);
    if (current === undefined) {
      if (currentText !== '') r.log(LOG_ERR, `set_rotate: bad current value: "${currentText}"`);
      current = conf.rotated ?? low - 1;
    }
    current++;
    if (current > high || current < low) current = low;
    conf.rotated = current;
    return String(current);
  },
};

/** The second argument in place of an empty first one. */
export const ifEmpty: SetVar = {
  arguments: 2,
  run: (_r, [value, fallback]) => (value === '' ? (fallback as string) : (value as string)),
};

/** By the directive's name. */
export const SET_VARS: ReadonlyMap<string, SetVar> = new Map([
  ['set_escape_uri', of(escapeComponent)],
  ['set_unescape_uri', of(unescapeComponent)],
  ['set_quote_sql_str', of(quoteSql)],
  ['set_quote_pgsql_str', of(quotePgsql)],
  ['set_quote_json_str', of(quoteJson)],
  ['set_encode_base64', of((text) => Buffer.from(text, 'latin1').toString('base64'))],
  ['set_decode_base64', decodeBase64('set_decode_base64', /^[A-Za-z0-9+/]*$/)],
  ['set_encode_base64url', of((text) => Buffer.from(text, 'latin1').toString('base64url'))],
  ['set_decode_base64url', decodeBase64('set_decode_base64url', /^[A-Za-z0-9_-]*$/)],
  [
    'set_encode_base32',
    {
      arguments: 1,
      run(r, args) {
        const { alphabet, padding } = setMiscModule.location(r);
        return encodeBase32(args[0] as string, alphabet, padding);
      },
    },
  ],
  [
    'set_decode_base32',
    { arguments: 1, run: (r, args) => decodeBase32(args[0] as string, setMiscModule.location(r).alphabet) ?? '' },
  ],
  ['set_encode_hex', of((text) => Buffer.from(text, 'latin1').toString('hex'))],
  ['set_decode_hex', decodeHex],
  ['set_hmac_sha1', hmac('sha1')],
  ['set_hmac_sha256', hmac('sha256')],
  ['set_md5', digest('md5')],
  ['set_sha1', digest('sha1')],
  ['set_local_today', { arguments: 0, run: () => strftime('%Y-%m-%d', currentSecond(), true) }],
  ['set_formatted_gmt_time', time(false)],
  ['set_formatted_local_time', time(true)],
  ['set_random', random],
  ['set_secure_random_alphanum', secureRandom(`${LETTERS}${LETTERS.toUpperCase()}0123456789`)],
  ['set_secure_random_lcalpha', secureRandom(LETTERS)],
]);
