/**
 * An API function was used in a wrong way: wrong phase, wrong argument, too late. The Lua host turns it into a Lua
 * error with the caller's position in front, the TypeScript host throws it as it is.
 */
export class ApiError extends Error {
  override name = 'ApiError';
}

/** Thrown where a message shall reach the user. */
export function apiError(message: string): never {
  throw new ApiError(message);
}
