/** One configuration to be tested by nginx and by us. */
export interface BrokenCase {
    /** Unique; key of the expected output. */
    readonly name: string;
    /** Text of nginx.conf. `%DIR%` stands for the folder that the files are in. */
    readonly conf: string;
    /** Further files by path relative to the folder; a path ending in a slash is an empty folder. */
    readonly files?: Readonly<Record<string, string>>;
    /** The answer depends on being root. */
    readonly root?: boolean;
    /** -g */
    readonly globals?: string;
    /** Where we differ from nginx 1.22, and why. `ours` is our whole output without the last line ("... test ..."). */
    readonly differs?: {
        readonly ours: readonly string[];
        readonly why: string;
    };
}
/** The output of `-t` for a case: lines of standard error with the folder as `%DIR%`, and whether the test passed. */
export interface Outcome {
    readonly lines: readonly string[];
    readonly ok: boolean;
}
