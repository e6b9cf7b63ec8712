/**
 * All directives of one program, by name, with what is needed to call their setters. nginx walks its modules'
 * command tables for each statement; a map of names does the same.
 */
import { type DirectiveFacts, knownDirectives } from './catalogue.ts';
import type { Cycle } from './cycle.ts';
import type { ContextName, Directive } from './directive.ts';

/**
 * A module of the core kind, which owns a name in `cycle.confs` and, often, a block of the main context. nginx:
 * ngx_core_module_t.
 */
export interface CoreModule {
  /** Key in `cycle.confs`: 'core', 'events', 'http', ... */
  readonly name: string;
  /** Those that write to the module's object in `cycle.confs`: no `level`. */
  readonly directives: readonly Directive[];
  /** Makes the object in `cycle.confs`, before anything is read. Without it, the object is up to the setters. */
  createConf?(cycle: Cycle): unknown;
  /**
   * Completes the object after all is read, in the order of the modules.
   *
   * @throws ConfError when the configuration is not complete
   */
  initConf?(cycle: Cycle, conf: unknown): void;
  /**
   * Modules inside the block, as http has them. Their directives have a `level`; a module's position in this list
   * indexes the arrays of ConfStack.
   */
  readonly submodules?: readonly SubModule[];
}

/** A module of http or stream, as far as the configuration's reader has to know it. */
export interface SubModule {
  readonly name: string;
  readonly directives?: readonly Directive[];
}

/** A directive with its owner. */
export interface RegisteredDirective {
  readonly directive: Directive<unknown>;
  /** Name of the core module. */
  readonly core: string;
  /** Index of the module in the arrays of ConfStack; -1 for a core module's own. */
  readonly index: number;
}

function allows(contexts: readonly ContextName[], context: ContextName): boolean {
  return contexts.includes(context) || contexts.includes('any');
}

/** What a name means in a context. */
export type Lookup =
  | { readonly kind: 'declared'; readonly found: RegisteredDirective }
  /** Known to nginx here, and not to us. */
  | { readonly kind: 'unsupported'; readonly facts: DirectiveFacts }
  /** Known, but not in this context. */
  | { readonly kind: 'misplaced' }
  | { readonly kind: 'unknown' };

/** The directives of a list of modules. */
export class Registry {
  private readonly byName = new Map<string, RegisteredDirective[]>();

  constructor(modules: readonly CoreModule[]) {
    for (const core of modules) {
      for (const directive of core.directives) this.add(directive, core.name, -1);
      core.submodules?.forEach((module, index) => {
        for (const directive of module.directives ?? []) this.add(directive, core.name, index);
      });
    }
  }

  private add(directive: Directive, core: string, index: number): void {
    // The module's object is passed to it and to no other: its type is the module's affair.
    const entry = { directive: directive as Directive<unknown>, core, index };
    const same = this.byName.get(directive.name);
    if (same === undefined) this.byName.set(directive.name, [entry]);
    else same.push(entry);
  }

  lookup(name: string, context: ContextName): Lookup {
    const declared = this.byName.get(name);
    const found = declared?.find((entry) => allows(entry.directive.contexts, context));
    if (found !== undefined) return { kind: 'declared', found };
    const known = knownDirectives(name);
    const facts = known.find((entry) => allows(entry.contexts, context));
    if (facts !== undefined) return { kind: 'unsupported', facts };
    return { kind: declared !== undefined || known.length > 0 ? 'misplaced' : 'unknown' };
  }

  /** True when a directive of this nginx module (`ngx_http_lua_module`) is declared. */
  implementsModule(nginxName: string): boolean {
    for (const [name, entries] of this.byName) {
      for (const facts of knownDirectives(name)) {
        if (facts.module !== nginxName) continue;
        if (entries.some((e) => e.directive.contexts.some((c) => facts.contexts.includes(c)))) return true;
      }
    }
    return false;
  }

  /** All declarations, for the reference pages and the editor schema. */
  all(): RegisteredDirective[] {
    return [...this.byName.values()].flat();
  }
}
