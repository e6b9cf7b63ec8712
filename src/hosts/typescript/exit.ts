/** Thrown by exit, exec and redirect to leave the handler: let it pass. */
export class HandlerExit extends Error {
  override name = 'HandlerExit';
}
