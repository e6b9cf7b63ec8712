/**
 * What the package gives to TypeScript handlers: types, and the constants of the ngx API. It is small on purpose: a
 * handler gets everything else through its `ngx` argument.
 */
import { CODES, STATUSES } from './api/constants.ts';

export type { NgxBalancer } from './hosts/typescript/balancer.ts';
export type { BodyPiece } from './hosts/typescript/body.ts';
export type { HeaderValue, LogLevelName, Ngx, Output } from './hosts/typescript/ngx.ts';
export type { NgxRequest } from './hosts/typescript/request.ts';
export type { BodyFilterHandler, Handler } from './hosts/typescript/run.ts';
export type { NgxSharedDict, SharedValue } from './hosts/typescript/shared.ts';
export type {
  ConnectOptions,
  HandshakeOptions,
  NgxSockets,
  NgxStreamSocket,
  NgxTcpSocket,
  NgxUdpSocket,
} from './hosts/typescript/socket.ts';
export { SocketError } from './hosts/typescript/socket-error.ts';
export type { SubrequestOptions, SubrequestResponse } from './hosts/typescript/subrequest.ts';
export type { Data } from './hosts/typescript/text.ts';
export type { NgxTimer, TimerHandler } from './hosts/typescript/timer.ts';
export type { NgxWorker } from './hosts/typescript/worker.ts';

/** For ngx.exit and ngx.status: `constants.HTTP_NOT_FOUND`. Manual: HTTP status constants, core constants. */
export const constants = { ...CODES, ...STATUSES } as const;
