/** What is measured: each scenario is one location served by both servers, and how it is asked for. */
export interface Scenario {
    readonly name: string;
    /** For the table: what one request does. */
    readonly title: string;
    readonly location: string;
    readonly path: string;
    /** Request header fields beyond Host. */
    readonly headers?: Readonly<Record<string, string>>;
    /** The peer has no such thing: measured for tsresty alone. */
    readonly ownOnly?: boolean;
    /** The goal as efficiency against the peer, from the project's issues. */
    readonly goal?: number;
}
export declare const SCENARIOS: readonly Scenario[];
