/**
 * Drives Http1Connection over real sockets with an engine of one content handler, without a configuration.
 */
import { type Socket as NetSocket } from 'node:net';
import type { CoreLocation, CoreServer } from '../../../src/http/core/conf.ts';
import type { HttpCycle } from '../../../src/http/cycle.ts';
import type { HttpRequest } from '../../../src/http/request.ts';
export interface Harness {
    readonly port: number;
    readonly http: HttpCycle;
    readonly location: CoreLocation;
    readonly server: CoreServer;
    /** Lines of the error log. */
    readonly lines: string[];
    /** Status of each request that was logged. */
    readonly statuses: number[];
    close(): void;
}
export declare function startHarness(handler: (r: HttpRequest) => number, options?: {
    location?: Partial<CoreLocation>;
    server?: Partial<CoreServer>;
}): Harness;
/** Answers with 200 and a text. */
export declare function say(r: HttpRequest, text: string): number;
/** A client that sends bytes and gathers the answer. */
export declare class Client {
    readonly socket: NetSocket;
    received: string;
    ended: boolean;
    constructor(port: number);
    send(text: string): void;
    /** Waits until `test` holds, or fails after two seconds. */
    until(test: (c: Client) => boolean): Promise<string>;
    close(): Promise<void>;
}
