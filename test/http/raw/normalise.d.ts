/** Masks what may differ between two servers that do the same. */
/** Responses with Date and Server masked, and error pages signed by a server without a name. */
export declare function normaliseText(text: string): string;
/** Lines of error.log as `[level] message`. */
export declare function normaliseLog(lines: string, ports: (line: string) => string): string[];
