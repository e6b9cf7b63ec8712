import type { HttpCycle } from '../../src/http/cycle.ts';
/** A response taken apart. */
export interface Answer {
    readonly status: number;
    /** First values, by lower-case name. */
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** All of it. */
    readonly raw: string;
}
/** Loads an http block without listening; throws ConfError as a start would. */
export declare function loadHttp(block: string, warnings?: string[]): HttpCycle;
export declare class TestServer {
    #private;
    readonly dir: string;
    readonly http: HttpCycle;
    readonly port: number;
    /** What went to error.log so far. */
    readonly log: string[];
    /** @param block what stands inside `http {}` */
    constructor(block: string, files?: Readonly<Record<string, string>>);
    close(): void;
    /** Sends bytes and gathers what comes until the server closes. */
    send(bytes: string): Promise<string>;
    /** One request on a connection of its own. `headers` are whole lines. */
    get(uri: string, headers?: readonly string[], method?: string): Promise<Answer>;
    /** The body alone. */
    body(uri: string, headers?: readonly string[]): Promise<string>;
    /** Lines of a file in the folder. */
    read(path: string): string;
}
