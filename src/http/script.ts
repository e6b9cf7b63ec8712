/**
 * Complex values: strings of the configuration with `$variables` and regex captures in them, compiled once.
 * nginx: ngx_http_complex_value_t (src/http/ngx_http_script.h).
 */
import type { HttpRequest } from './request.ts';

export interface ComplexValue {
  /** The text when it has no variables, else undefined. */
  readonly literal: string | undefined;
  /** As written in the configuration. */
  readonly text: string;
  /** A variable that is not found gives an empty string. */
  evaluate(r: HttpRequest): string;
}
