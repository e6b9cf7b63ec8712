/** Configuration of the set-misc module, and its module object, whose directives are in module.ts. */
import { httpModule } from '../../module.ts';

export interface SetMiscLocation {
  /** set_base32_padding. */
  padding: boolean;
  /** set_base32_alphabet: 32 bytes. */
  alphabet: string;
  /** The last number of set_rotate. */
  rotated: number | undefined;
}

export const setMiscModule = httpModule<object, object, SetMiscLocation>({ name: 'ngx_http_set_misc_module' });
