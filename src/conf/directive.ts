/**
 * What a directive is: declared once, by the module that owns it.
 *
 * The registry, the checks of `-t`, the reference pages in docs/ and the editor schema are all made from these
 * declarations, so a directive carries everything about itself: where it may stand, how many arguments it takes,
 * how its arguments become a typed value in the module's configuration object, its default, and how the value is
 * inherited. nginx: `ngx_command_t` (src/core/ngx_conf_file.h).
 */

/** A block in which directives may stand. The names are those of nginx's manual ("Context:" lines). */
export type ContextName =
  | 'main'
  | 'events'
  | 'http'
  | 'server'
  | 'location'
  | 'upstream'
  | 'if in server'
  | 'if in location'
  | 'limit_except'
  | 'stream'
  | 'stream server'
  | 'stream upstream'
  | 'mail'
  | 'mail server'
  | 'any';

/**
 * How many arguments a directive takes: an exact count, the counts allowed, `{min, max?}`, or 'flag' (one
 * argument, `on` or `off`).
 */
export type ArgumentRule = number | readonly number[] | { readonly min: number; readonly max?: number } | 'flag';

/** Where a token or a directive stands in the configuration, for messages "in FILE:LINE". */
export interface Position {
  /** Absolute path of the file, or `command line` for -g. */
  readonly file: string;
  readonly line: number;
}

/**
 * Of which level of a module's configuration a directive sets a value: the http (or stream) block's, the server's
 * or the location's. nginx: NGX_HTTP_MAIN_CONF_OFFSET, _SRV_, _LOC_.
 */
export type ConfLevel = 'main' | 'server' | 'location';

/**
 * Stores the arguments into the module's configuration object for the block where the directive stands.
 *
 * @param cf where we are: position, enclosing block, the cycle being built, ways to report
 * @param conf the owning module's configuration object for `level`
 * @param args the arguments, the directive's name not among them
 * @returns nothing when all is well; else nginx's message without the position, which the caller completes to
 *   `nginx: [emerg] MESSAGE in FILE:LINE`. Sentences without a subject (`is duplicate`, `invalid value`, `invalid
 *   number`, those that begin with is, cannot, must, has, requires) are completed to `"NAME" directive is duplicate`
 *   and so on, as nginx does with a char * result.
 * @throws ConfError (made with `cf.error`) for the same, from deeper down
 */
export type Setter<C> = (cf: ConfContext, conf: C, args: readonly string[]) => string | undefined;

/** One directive's declaration. `C` is the configuration object that it writes to. */
export interface Directive<C = never> {
  readonly name: string;
  readonly contexts: readonly ContextName[];
  readonly args: ArgumentRule;
  /** A block directive: 'conf' holds directives, 'pairs' free "key value;" lines, 'lua' Lua source. */
  readonly block?: 'conf' | 'pairs' | 'lua';
  /** Of which level `conf` is; core (main and events) directives leave it out. */
  readonly level?: ConfLevel;
  readonly set: Setter<C>;
  /** When the setter is a slot: the field it fills, whether it inherits and what stands when nothing is set. */
  readonly slot?: Slot;
  /** One or two sentences for the reference page. */
  readonly doc?: string;
  /** The default as the manual prints it, for the reference page. */
  readonly defaultText?: string;
}

/** A field that is unset (`undefined`) until its directive sets it, then inherits from the enclosing block. */
export interface Slot {
  readonly field: string;
  readonly default: unknown;
}

/** One "key value..." line of a 'pairs' block (types, map, geo, split_clients, charset_map, ...). */
export interface PairLine extends Position {
  readonly words: readonly string[];
}

/** Takes a line of a 'pairs' block; returns nginx's message when it is wrong. */
export type PairHandler = (line: PairLine) => string | undefined;

/**
 * What a setter sees of the configuration under construction.
 *
 * `file` and `line` are where the reading is now, as in nginx: at the directive's end while its arguments are looked
 * at, at the closing brace once its block is read. Copy them to remember a place.
 */
export interface ConfContext extends Position {
  /** The directive's name as written. */
  readonly name: string;
  /** The block that the directive stands in. */
  readonly context: ContextName;
  /** The cycle (one loaded configuration) being built. nginx: ngx_cycle_t. */
  readonly cycle: ConfCycle;
  /** Configuration objects of the enclosing http, server and location blocks, by the module's index. */
  readonly confs: ConfStack | undefined;
  /** For a 'lua' block: the source between the braces, with the line where it starts. */
  readonly luaSource?: { readonly code: string; readonly line: number };
  /** For a 'pairs' block: its lines, read at the first use. `include` lines of types, map and geo are followed. */
  readonly pairs?: readonly PairLine[];
  /**
   * The same, line by line: when `handler` refuses a line, the error stands at that line, before whatever is wrong
   * further down. Instead of `pairs`, not with it.
   */
  eachPair(handler: PairHandler): void;
  /** Parses the directives of this 'conf' block in `context`, with `confs` current. Only once, in the setter. */
  parseBlock(context: ContextName, confs?: ConfStack): void;
  /** Makes an error at this directive's place: `throw cf.error('...')`. */
  error(message: string): Error;
  /** Logs at -t and start: `nginx: [warn] MESSAGE in FILE:LINE`. */
  warn(message: string): void;
  /** As `warn`, at another level. */
  log(level: 'emerg' | 'alert' | 'crit' | 'error' | 'warn' | 'notice' | 'info', message: string): void;
  /** True once a block of the main context was read: `load_module` comes too late. */
  readonly modulesUsed: boolean;
  /** True when directives of nginx's module of that name (`ngx_http_lua_module`) are declared. */
  implementsModule(nginxName: string): boolean;
  /** A path of the configuration made absolute: against the prefix, or against the configuration's folder. */
  fullName(path: string, against?: 'prefix' | 'conf'): string;
}

/** The configuration objects that are current inside a block. nginx: ngx_http_conf_ctx_t. */
export interface ConfStack {
  readonly main: unknown[];
  readonly server: unknown[];
  readonly location: unknown[];
}

/** The parts of a cycle that setters need; src/conf/cycle.ts has the whole. */
export interface ConfCycle {
  /** Ends with a slash. */
  readonly prefix: string;
  /** Folder of the main configuration file; ends with a slash. */
  readonly confPrefix: string;
  /** Absolute path of the main configuration file. */
  readonly confFile: string;
  /** True under -t: nothing lasting may be done (no log files truncated, no sockets kept). */
  readonly testOnly: boolean;
  /** Configuration of core modules by name ('core', 'events', 'http', 'stream', 'upstream', ...). */
  readonly confs: Map<string, unknown>;
}
