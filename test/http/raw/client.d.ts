import { type Answer, type RawCase } from './case.ts';
export interface Target {
    /** Bodies are read before the phases begin, which shows in the log. */
    readonly readsEarly: boolean;
    readonly firstPort: number;
    readonly errorLog: string;
}
/**
 * Runs one case.
 * @param expected what to wait for; without it, waits until nothing has come for a while
 */
export declare function ask(target: Target, c: RawCase, expected: Answer | undefined): Promise<Answer>;
