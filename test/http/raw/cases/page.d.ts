/** Answers that 1.22 does not give, normalised. */
/** The page of an error after which the connection is closed. */
export declare function page(status: string): string;
/** A text, and the connection is kept. */
export declare function ok(body: string): string;
