import type { Target } from './client.ts';
export interface RunningServer extends Target {
    stop(): Promise<void>;
}
/** @param firstPort the first of as many free ports as there are servers in conf.ts, and one more */
export declare function startServer(flavour: 'nginx' | 'tsresty', firstPort: number): Promise<RunningServer>;
