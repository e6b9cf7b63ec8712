/** The piece of a response body that body_filter_by_ts_file gets. Manual: ngx.arg[1], ngx.arg[2]. */
import { bodyText, isBodyEnd, replaceBody, setBodyEnd } from '../../api/body-filter.ts';
import type { Chain } from '../../http/buf.ts';
import type { HttpRequest } from '../../http/request.ts';
import { bytes, type Data, utf8 } from './text.ts';

/** What a body filter gets of the response, piece after piece. */
export class BodyPiece {
  readonly #r: HttpRequest;
  #chain: Chain;
  #ended = false;

  constructor(r: HttpRequest, chain: Chain) {
    this.#r = r;
    this.#chain = chain;
  }

  /** As text. A character of UTF-8 may be cut where pieces meet. */
  get text(): string {
    return utf8(bodyText(this.#chain));
  }

  get bytes(): Buffer {
    return Buffer.from(bodyText(this.#chain), 'latin1');
  }

  /** What goes on in place of it. */
  replace(data: Data): void {
    this.#chain = replaceBody(this.#r, this.#chain, bytes(data));
  }

  /** Whether it is the last one. Setting it ends the response here: what comes behind is dropped. */
  get last(): boolean {
    return isBodyEnd(this.#chain);
  }

  set last(last: boolean) {
    this.#ended = last;
    this.#chain = setBodyEnd(this.#r, this.#chain, last);
  }

  /** For the filter: what goes on, and whether the handler ended the response. */
  get result(): { readonly chain: Chain; readonly ended: boolean } {
    return { chain: this.#chain, ended: this.#ended };
  }
}
