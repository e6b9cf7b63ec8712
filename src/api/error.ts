/**
 * An API function was used in a wrong way: wrong phase, wrong argument, too late. The TypeScript host lets it pass as it
 * is; while the Lua host runs, it becomes a Lua error with the caller's position in front.
 */
export class ApiError extends Error {
  override name = 'ApiError';
}

type Raise = (message: string) => never;

const raiseApiError: Raise = (message) => {
  throw new ApiError(message);
};

let raise: Raise = raiseApiError;

/** The language that runs now throws errors of its own; undefined goes back to ApiError. Returns the one before. */
export function setRaise(own: Raise | undefined): Raise {
  const before = raise;
  raise = own ?? raiseApiError;
  return before;
}

/** Throws where a message shall reach the user. */
export function apiError(message: string): never {
  return raise(message);
}
