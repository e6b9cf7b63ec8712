/**
 * `pcre_jit`. Our regular expressions are always compiled to code, so both values mean the same. nginx:
 * ngx_regex_module (src/core/ngx_regex.c).
 */
import type { Directive } from '../directive.ts';
import type { CoreModule } from '../registry.ts';
import { flagSlot, initSlots } from '../slots.ts';

interface RegexConf {
  pcreJit: boolean | undefined;
}

const directives: readonly Directive<RegexConf>[] = [
  flagSlot(
    'pcre_jit',
    ['main'],
    undefined,
    'pcreJit',
    false,
    'Accepted as in nginx. Regular expressions are compiled to code either way.',
  ),
];

/** nginx: ngx_regex_module. */
export const regexModule: CoreModule = {
  name: 'regex',
  directives,
  createConf: (): RegexConf => ({ pcreJit: undefined }),
  initConf: (_cycle, conf) => initSlots(directives, undefined, conf as RegexConf),
};
