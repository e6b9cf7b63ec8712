/** A socket's operation failed. Its message is Lua's error: `timeout`, `closed`, `connection refused`, ... */
export class SocketError extends Error {
  override name = 'SocketError';

  /** The class that handlers import is the package's, errors are the server's: their name tells. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'SocketError';
  }

  /** What had been received before; empty for other operations. */
  readonly partial: Buffer;

  constructor(message: string, partial = '') {
    super(message);
    this.partial = Buffer.from(partial, 'latin1');
  }
}
