/** `resolver` and `resolver_timeout`, the same in http and stream. */
import { parseResolver, type ResolverConf } from '../net/resolver-conf.ts';
import type { ConfLevel, ContextName, Directive } from './directive.ts';
import { msecSlot, refuse, slot } from './slots.ts';

/** Where the directives put their values. */
interface ResolverFields {
  /** Undefined when none is configured. */
  resolver: ResolverConf | undefined;
  /** Milliseconds. */
  resolverTimeout: number;
}

/** Declares both. */
export function resolverDirectives(contexts: readonly ContextName[], level: ConfLevel): Directive<ResolverFields>[] {
  return [
    slot<ResolverFields, ResolverConf>({
      name: 'resolver',
      contexts,
      args: { min: 1 },
      level,
      field: 'resolver',
      default: undefined,
      parse: (_cf, args) => {
        const parsed = parseResolver(args);
        return typeof parsed === 'string' ? refuse(parsed) : parsed;
      },
      extra: 'Name servers for names that are looked up at run time.',
    }),
    msecSlot<ResolverFields>(
      'resolver_timeout',
      contexts,
      level,
      'resolverTimeout',
      30000,
      'How long looking up a name may take.',
    ),
  ];
}
