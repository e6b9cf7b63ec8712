/**
 * What an API operation that waits returns. The host starts it once the caller is parked: the Lua host parks the
 * light thread and resumes it with the result, the TypeScript host hands out a promise.
 */
export interface Suspension<T> {
  /**
   * Starts the operation. `done` is called at most once and never before `start` has returned.
   * @returns a function that cancels the operation (the thread was killed, the request ended); then `done` is not
   *   called any more.
   */
  start(done: (result: T) => void): () => void;
}
