/**
 * A row of the tables: a server of its own, backends of its own, what a client does, and what backends do.
 *
 * Texts may hold placeholders: `%B1%`..`%B4%` addresses of the case's backends, `%U1%`, `%U2%` paths of backends on Unix
 * sockets, `%DEAD%` an address where nobody listens, `%FRONT%` the server itself, `%DIR%` a folder of its own, `%ID%` a
 * word of its own (for names of upstreams, zones and variables, which all cases share).
 */
export interface Case {
  readonly name: string;
  /** What stands in its `server {}`; by default everything goes to B1. */
  readonly conf?: string;
  /** What stands before that, in `http {}`. */
  readonly http?: string;
  /** Parameters of its `listen`. */
  readonly listen?: string;
  readonly send: string | readonly Step[];
  /** What backends answer, request after request; the last answer is repeated. A bare list is that of B1. */
  readonly backend?: readonly Script[] | Readonly<Record<string, readonly Script[]>>;
  /** `log_format` of an access log that is compared too. */
  readonly access?: string;
  /** Files in %DIR%. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Milliseconds without any event until nothing more is to be expected, when more than usual. */
  readonly settle?: number;
  /** It must take so many milliseconds: rates and delays. */
  readonly atLeast?: number;
  /** What else may differ from run to run. */
  readonly mask?: readonly (readonly [RegExp, string])[];
  /** What the nginx that we follow (1.31) does, where it is known to differ from 1.22, which made answers.json. */
  readonly newer?: Known;
  /** What we do and nginx does not, on purpose. */
  readonly ours?: Known;
}

/** A difference from the recorded answer: texts to replace in all of it, or whole parts. */
export interface Known extends Partial<Answer> {
  readonly because: string;
  readonly edits?: readonly (readonly [string | RegExp, string])[];
}

/** What happened. */
export interface Answer {
  /** By connection, all that was received: heads, and bodies without their chunks and compression. */
  readonly text: readonly string[];
  /** By connection: the server closed it. */
  readonly closed: readonly boolean[];
  /** By connection of the server to a backend, all that it sent, and how it ended. */
  readonly backend: readonly string[];
  /** error.log at level info and above, without times and numbers. */
  readonly log: readonly string[];
  readonly access?: readonly string[];
  /** It took as long as it must. */
  readonly tookLong?: boolean;
}

/** Half-closes the connection. */
export const FIN = Symbol('FIN');
/** Drops the connection with a reset. */
export const ABORT = Symbol('ABORT');
/** Waits for a response that is complete (or the end of the connection). */
export const WAIT = Symbol('WAIT');
/** Waits for a response, and goes on with a new connection. */
export const NEXT = Symbol('NEXT');
/** Goes on with a new connection at once. */
export const ALSO = Symbol('ALSO');
/** The client reads no more, and again. */
export const STOP = Symbol('STOP');
export const RESUME = Symbol('RESUME');

/** Strings are written as bytes, numbers wait so many milliseconds. */
export type Step =
  | string
  | number
  | typeof FIN
  | typeof ABORT
  | typeof WAIT
  | typeof NEXT
  | typeof ALSO
  | typeof STOP
  | typeof RESUME
  /** Waits until the client received the text, or a backend did. */
  | { readonly until: string }
  | { readonly seen: string };

/** A backend begins when it has the header, without waiting for the body. */
export const EARLY = Symbol('EARLY');
/** A backend begins when it is connected. */
export const GREET = Symbol('GREET');
/** A backend closes, or resets. */
export const CLOSE = Symbol('CLOSE');
export const RESET = Symbol('RESET');
/** A backend passes back whatever comes from now on. */
export const ECHO = Symbol('ECHO');
/** A backend reads no more. */
export const DEAF = Symbol('DEAF');

export type Script =
  | string
  | readonly (
      | string
      | number
      | typeof EARLY
      | typeof GREET
      | typeof CLOSE
      | typeof RESET
      | typeof ECHO
      | typeof DEAF
    )[];
