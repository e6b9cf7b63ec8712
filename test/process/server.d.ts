import { type ChildProcess } from 'node:child_process';
/** The test program as one bundle: starting from sources would take a second for each process. */
export declare function buildProgram(): Promise<string>;
/** What a finished command said. */
export interface Ended {
    code: number | null;
    stderr: string;
    stdout: string;
}
export declare class Server {
    #private;
    readonly dir: string;
    readonly program: string;
    constructor(entry: string);
    conf(text: string): this;
    /** Runs the executable to its end. */
    run(...args: string[]): Ended;
    start(...args: string[]): this;
    /** Starts one with `daemon off`. */
    startForeground(): Promise<ChildProcess>;
    get pidPath(): string;
    get pid(): number;
    /** Processes whose parent is the master. */
    workers(): number[];
    log(name?: string): string;
    /** Waits for a line in the log. */
    logged(pattern: RegExp | string, times?: number): Promise<void>;
    signal(signal: NodeJS.Signals): void;
    /** Asks it to stop and waits until its processes have gone. */
    stop(signal?: NodeJS.Signals): Promise<void>;
    /** Kills whatever is left and removes the folder. */
    destroy(): void;
}
/** False for a process that has ended and is only waiting to be reaped. */
export declare function alive(pid: number): boolean;
export declare function childrenOf(pid: number): number[];
/** What ps shows. */
export declare function titleOf(pid: number): string;
export declare function until(condition: () => boolean, what: string, detail?: () => string): Promise<void>;
/** The body of an answer, on a connection of its own. */
export declare function get(where: {
    port: number;
    host?: string;
} | {
    socketPath: string;
}, path?: string): Promise<string>;
