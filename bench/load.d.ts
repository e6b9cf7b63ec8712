export interface Load {
    readonly requests: number;
    /** Milliseconds. */
    readonly p50: number;
    readonly p99: number;
    /** Responses other than 2xx and 3xx, and failures of sockets. */
    readonly errors: number;
}
export declare function load(url: string, headers: Readonly<Record<string, string>>, seconds: number, connections: number): Promise<Load>;
