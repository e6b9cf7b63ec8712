import type { Scenario } from './scenarios.ts';
export interface ServerOptions {
    readonly name: string;
    readonly command: readonly string[];
    readonly folder: string;
    readonly port: number;
    readonly scenarios: readonly Scenario[];
    /** Lines in front of the configuration (load_module). */
    readonly preamble: string;
    /** Lines of the http block. */
    readonly http: string;
    readonly env?: NodeJS.ProcessEnv;
}
export declare class Server {
    readonly options: ServerOptions;
    /** Milliseconds from the start of the process until it takes connections. */
    coldStart: number;
    private child;
    constructor(options: ServerOptions);
    get pid(): number;
    private configure;
    start(): Promise<void>;
    stop(): Promise<void>;
    /** CPU time of the process so far, user and system, in microseconds. */
    cpu(): number;
    /** Resident memory in MB. */
    memory(): number;
}
