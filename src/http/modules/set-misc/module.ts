/**
 * set-misc-nginx-module: variables computed in the rewrite phase, in the order of `set`, `if` and the like.
 * Manual: https://github.com/openresty/set-misc-nginx-module
 */
import type { ArgumentRule, ContextName, Directive } from '../../../conf/directive.ts';
import { deprecated, flagSlot, strSlot } from '../../../conf/slots.ts';
import { addSetVar, nameSetVars, type SetVar } from '../rewrite/set-var.ts';
import { type SetMiscLocation, setMiscModule } from './conf.ts';
import { ifEmpty, rotate, SET_VARS } from './functions.ts';
import { hashedUpstream } from './hashed-upstream.ts';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'if in server', 'location', 'if in location'];

/** `set_x $variable arguments`; with one argument the variable's own value may be it. */
function directive(name: string, fn: SetVar): Directive<SetMiscLocation> {
  const count = fn.arguments;
  const args: ArgumentRule = count === 1 && !name.startsWith('set_formatted') ? [1, 2] : count + 1;
  return {
    name,
    contexts: CONTEXTS,
    args,
    level: 'location',
    doc: `Sets a variable, as ndk.set_var.${name} computes it.`,
    set(cf, _conf, words) {
      const variable = words[0] as string;
      return addSetVar(cf, fn.run, variable, count === 1 && words.length === 1 ? [variable] : words.slice(1));
    },
  };
}

/** A function whose first argument is the variable's own value. */
function ownValue(name: string, fn: SetVar, doc: string): Directive<SetMiscLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args: fn.arguments,
    level: 'location',
    doc,
    set: (cf, _conf, words) => addSetVar(cf, fn.run, words[0] as string, words),
  };
}

nameSetVars(SET_VARS);

const directives: readonly Directive<SetMiscLocation>[] = [
  ...[...SET_VARS].map(([name, fn]) => directive(name, fn)),
  ownValue('set_if_empty', ifEmpty, 'Gives a variable a value when it has none.'),
  ownValue('set_rotate', rotate, 'Counts a variable through a range, around and around.'),
  hashedUpstream,
  flagSlot<SetMiscLocation>(
    'set_base32_padding',
    CONTEXTS,
    'location',
    'padding',
    true,
    'Whether set_encode_base32 fills up with equals signs.',
  ),
  flagSlot<SetMiscLocation>('set_misc_base32_padding', CONTEXTS, 'location', 'padding', true, {
    doc: 'The old name of set_base32_padding.',
    post: deprecated('set_misc_base32_padding', 'set_base32_padding'),
  }),
  strSlot<SetMiscLocation>(
    'set_base32_alphabet',
    CONTEXTS,
    'location',
    'alphabet',
    '0123456789abcdefghijklmnopqrstuv',
    {
      doc: 'The 32 digits of base 32.',
      post: (_cf, value) =>
        value.length === 32
          ? undefined
          : `"set_base32_alphabet" directive takes an alphabet of ${value.length} bytes but 32 expected`,
    },
  ),
];

Object.assign(setMiscModule, {
  directives,
  createLocation: () => ({ padding: undefined, alphabet: undefined, rotated: undefined }) as unknown as SetMiscLocation,
});

export { setMiscModule };
