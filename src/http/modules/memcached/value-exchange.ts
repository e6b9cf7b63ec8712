/** A `get` from memcached: one key, and its value as the answer. For memcached_pass and memc_pass. */
import { LOG_ERR, LOG_INFO } from '../../../log/log.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import { AGAIN, HTTP_NOT_FOUND, HTTP_OK, OK } from '../../codes.ts';
import { Exchange } from '../../upstream/exchange.ts';
import { INVALID_HEADER } from '../../upstream/results.ts';
import type { UpstreamState } from '../../upstream/state.ts';

/** What stands behind a value. */
const TRAILER = '\r\nEND\r\n';

export abstract class ValueExchange extends Exchange {
  readonly schema = 'memcached://';
  /** Escaped. */
  protected key = '';
  /** Of the trailer, what has not come. */
  #trailer = TRAILER;

  /** Looks at the flags of the value. False when they are wrong. */
  protected abstract readFlags(flags: string): boolean;

  protected reinit(): void {
    this.#trailer = TRAILER;
  }

  protected readHeader(): number {
    const { text, r, headers } = this;
    const end = text.indexOf('\n', this.pos);
    if (end < 0) return AGAIN;
    const state = this.state as UpstreamState;
    const line = text.slice(this.pos, end > this.pos && text[end - 1] === '\r' ? end - 1 : end);
    if (text[end - 1] !== '\r') return this.#invalid('response', line, false);
    if (line === 'END') {
      r.log(LOG_INFO, `key: "${this.key}" was not found by memcached`);
      headers.contentLength = 0;
      headers.status = HTTP_NOT_FOUND;
      this.keepalive = true;
    } else {
      const rc = this.#readValue(line);
      if (rc !== OK) return rc;
    }
    state.status = headers.status;
    this.pos = end + 1;
    return OK;
  }

  /** `VALUE KEY FLAGS LENGTH` */
  #readValue(line: string): number {
    if (!line.startsWith('VALUE ')) return this.#invalid('response', line, false);
    if (!line.startsWith(this.key, 6)) return this.#invalid('key in response', line);
    const parts = /^ ([^ ]*) (.*)$/s.exec(line.slice(6 + this.key.length));
    if (parts === null) return this.#invalid('response', line, false);
    const [, flags, length] = parts as unknown as [string, string, string];
    if (!this.readFlags(flags)) return this.#invalid('flags in response', line);
    if (!/^\d{1,15}$/.test(length)) return this.#invalid('length in response', line);
    this.headers.contentLength = Number(length);
    this.headers.status = HTTP_OK;
    return OK;
  }

  #invalid(what: string, line: string, withKey = true): number {
    const quoted = withKey ? `"${line}" for key "${this.key}"` : `"${line}"`;
    this.r.log(LOG_ERR, `memcached sent invalid ${what}${withKey ? '' : ':'} ${quoted}`);
    return INVALID_HEADER;
  }

  initBody(): void {
    this.length = this.headers.status === HTTP_NOT_FOUND ? 0 : this.headers.contentLength + TRAILER.length;
  }

  readBody(data: string | Buffer): number {
    const value = this.length - this.#trailer.length;
    const cut = Math.min(value, data.length);
    if (cut > 0) this.addPending(typeof data === 'string' ? data.slice(0, cut) : data.subarray(0, cut));
    this.length -= cut;
    if (cut === data.length) return OK;
    const rest = typeof data === 'string' ? data.slice(cut) : latin1Slice(data, cut, data.length);
    if (!this.#trailer.startsWith(rest)) {
      this.r.log(LOG_ERR, 'memcached sent invalid trailer');
      this.length = 0;
      return OK;
    }
    this.#trailer = this.#trailer.slice(rest.length);
    this.length -= rest.length;
    if (this.length === 0) this.keepalive = true;
    return OK;
  }
}
