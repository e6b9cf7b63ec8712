/** The command line of nginx. nginx: ngx_get_options (src/core/nginx.c). */

/** What was asked for. Strings are latin1 byte strings. */
export interface Options {
  /** -v, -V, -?, -h. */
  showVersion: boolean;
  showConfigure: boolean;
  showHelp: boolean;
  /** -t, -T. */
  test: boolean;
  dump: boolean;
  /** -q. */
  quiet: boolean;
  /** -s. */
  signal: 'stop' | 'quit' | 'reopen' | 'reload' | undefined;
  /** -p, -c, -g as given. */
  prefix: string | undefined;
  confFile: string | undefined;
  globals: string | undefined;
  /** -e; '' for `-e stderr`. */
  errorLog: string | undefined;
}

const SIGNALS = ['stop', 'quit', 'reopen', 'reload'];

/** Options that take a value: what nginx calls it when it is missing. */
const VALUES: Readonly<Record<string, string>> = {
  p: 'directory name',
  e: 'file name',
  c: 'file name',
  g: 'parameter',
  s: 'parameter',
};

/**
 * Parses the arguments (the program's name not among them). Letters may be joined (`-tq`), values joined or apart
 * (`-c file`, `-cfile`).
 *
 * @returns the options, or nginx's message
 */
export function parseOptions(args: readonly string[]): Options | string {
  const options: Options = {
    showVersion: false,
    showConfigure: false,
    showHelp: false,
    test: false,
    dump: false,
    quiet: false,
    signal: undefined,
    prefix: undefined,
    confFile: undefined,
    globals: undefined,
    errorLog: undefined,
  };
  for (let i = 0; i < args.length; i++) {
    const arg = Buffer.from(args[i]!).toString('latin1');
    if (!arg.startsWith('-')) return `invalid option: "${arg}"`;
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!;
      if (letter in VALUES) {
        const joined = arg.slice(at + 1);
        const value = joined !== '' ? joined : args[++i];
        if (value === undefined) return `option "-${letter}" requires ${VALUES[letter]}`;
        const message = setValue(options, letter, joined !== '' ? joined : Buffer.from(value).toString('latin1'));
        if (message !== undefined) return message;
        break;
      }
      if (!setFlag(options, letter)) return `invalid option: "${letter}"`;
    }
  }
  return options;
}

function setFlag(options: Options, letter: string): boolean {
  switch (letter) {
    case '?':
    case 'h':
      options.showVersion = options.showHelp = true;
      return true;
    case 'v':
      options.showVersion = true;
      return true;
    case 'V':
      options.showVersion = options.showConfigure = true;
      return true;
    case 't':
      options.test = true;
      return true;
    case 'T':
      options.test = options.dump = true;
      return true;
    case 'q':
      options.quiet = true;
      return true;
    default:
      return false;
  }
}

function setValue(options: Options, letter: string, value: string): string | undefined {
  switch (letter) {
    case 'p':
      options.prefix = value;
      return undefined;
    case 'c':
      options.confFile = value;
      return undefined;
    case 'g':
      options.globals = value;
      return undefined;
    case 'e':
      options.errorLog = value === 'stderr' ? '' : value;
      return undefined;
    default:
      if (!SIGNALS.includes(value)) return `invalid option: "-s ${value}"`;
      options.signal = value as Options['signal'];
      return undefined;
  }
}
