/** A request that is not what it seems. */
export interface Smuggle {
  readonly name: string;
  readonly send: string;
  /** What the backend may see: method, target, length of the body. */
  readonly passes: readonly string[];
}

/** Nothing in chunks with a request behind it, or all of it a body. */
export const CL_TE_BODY = '0\r\n\r\nGET /evil HTTP/1.1\r\nHost: case\r\n\r\n';
