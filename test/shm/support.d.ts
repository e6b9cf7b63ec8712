import { type ChildProcess } from 'node:child_process';
import type { SharedDict } from '../../src/shm/dict.ts';
import type { Zone } from '../../src/shm/zone.ts';
/** Checks an allocator against the blocks that are known to be in use: no overlap, no leak, lists complete. */
export declare function checkSlab(zone: Zone, blocks: [number, number][]): void;
/** Checks everything a dictionary's structures promise about each other. Nobody else may be using the zone. */
export declare function checkDict(dict: SharedDict): void;
/** Bundles a script beside the tests, so that many processes can run it without each compiling it again. */
export declare function bundle(script: string): {
    file: string;
    remove: () => void;
};
/** Runs a bundled script with a message channel and the given descriptors as 4, 5, ... */
export declare function run(file: string, args: string[], fds: number[], nodeOptions?: string[]): ChildProcess;
/** The next message of a child; rejects when it ends without one. */
export declare function message(child: ChildProcess): Promise<unknown>;
/** The end of a child: its exit code, or the signal that killed it. */
export declare function exit(child: ChildProcess): Promise<number | string | null>;
