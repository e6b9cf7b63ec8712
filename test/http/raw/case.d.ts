/** One row of the tables. */
export interface RawCase {
    readonly name: string;
    /** Bytes as latin1 strings, one write each; a number waits so many milliseconds; FIN half-closes. */
    readonly send: string | readonly (string | number | typeof FIN)[];
    /** Which server of conf.ts; default `main`. */
    readonly to?: ServerName;
    /** When it takes more time than usual until the answer is complete, in milliseconds: timeouts. */
    readonly settle?: number;
    /** Where nginx 1.31 is right and 1.22, which made answers.json, is not any more. */
    readonly newer?: Newer;
}
export interface Newer extends Partial<Answer> {
    readonly because: string;
}
/** What a server did. */
export interface Answer {
    /** All bytes received, normalised. */
    readonly text: string;
    /** The server closed the connection. */
    readonly closed: boolean;
    /** Lines of error.log at level info and above, without time and numbers. */
    readonly log: readonly string[];
}
/** Half-closes the connection. */
export declare const FIN: unique symbol;
export declare const SERVERS: readonly ['main', 'tight', 'odd', 'quick', 'body', 'small'];
export type ServerName = (typeof SERVERS)[number];
