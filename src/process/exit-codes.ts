/** Exit code of a worker that could not be set up: a new one would fail as well, so the master starts none. */
export const FATAL_EXIT = 2;
