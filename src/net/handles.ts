/**
 * Node's own stream handles, as node:net drives them, typed and found at run time.
 *
 * node:net wraps each connection in a Duplex stream: readable and writable state, events, a Buffer per read, a
 * request object per write. A server that has its own protocol code pays for all of it and uses none (measured in
 * docs/transport.md). The handles below it are reached by `process.binding`, which is not a public interface, so
 * nothing may depend on it: `streamHandles()` answers undefined when the bindings are missing or have another
 * shape, and src/net/portable.ts serves the same interface over node:net.
 */

import { constants } from 'node:os';

/** A libuv stream as JavaScript sees it. Calls return 0 or a negative errno. */
export interface StreamHandle {
  /** Descriptor number; -1 once closed. */
  readonly fd: number;
  /** Bytes that libuv holds because the kernel did not take them. */
  readonly writeQueueSize: number;
  onread: ((this: StreamHandle) => void) | undefined;
  readStart(): number;
  readStop(): number;
  /** All reads go to this one buffer; `onread` finds their length in `state[kReadBytesOrError]`. */
  useUserBuffer(buffer: Uint8Array): void;
  writeLatin1String(request: WriteRequest, bytes: string): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writev(request: WriteRequest, pieces: readonly unknown[], allBuffers: boolean): number;
  shutdown(request: ShutdownRequest): number;
  close(done?: (this: StreamHandle) => void): void;
  ref(): void;
  unref(): void;
  open(fd: number): number;
  listen(backlog: number): number;
  onconnection?: (this: StreamHandle, status: number, client: StreamHandle | undefined) => void;
  /** Ours: the socket object of this handle. */
  socket?: unknown;
}

/** What getsockname and getpeername fill in. */
export interface HandleAddress {
  address?: string;
  port?: number;
  family?: string;
}

export interface TcpHandle extends StreamHandle {
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getsockname(out: HandleAddress): number;
  getpeername(out: HandleAddress): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, idleSeconds: number): number;
  reset(done?: (this: StreamHandle) => void): number;
}

export interface PipeHandle extends StreamHandle {
  bind(path: string): number;
  connect(request: ConnectRequest, path: string): number | undefined;
}

export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number, handle: StreamHandle) => void) | undefined;
  /** Ours: what must stay alive and unchanged until the write is done. */
  data?: unknown;
}

export interface ShutdownRequest {
  oncomplete: ((status: number) => void) | undefined;
}

export interface ConnectRequest {
  oncomplete: ((this: ConnectRequest, status: number, handle: StreamHandle) => void) | undefined;
}

/** Constructors and constants of the bindings. */
export interface StreamHandles {
  readonly TCP: new (kind: number) => TcpHandle;
  readonly Pipe: new (kind: number) => PipeHandle;
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => ShutdownRequest;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly tcpKind: { readonly SOCKET: number; readonly SERVER: number };
  readonly pipeKind: { readonly SOCKET: number; readonly SERVER: number };
  /** Flag of bind6. */
  readonly ipv6Only: number;
  /** Results of the last call, shared by all handles. */
  readonly state: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** `state[kReadBytesOrError]` at the end of the stream. */
export const UV_EOF = -4095;

/** What readStart says of a stream that is being read already. */
export const UV_EALREADY: number = -(constants.errno.EALREADY ?? 114);

let found: StreamHandles | undefined;
let looked = false;

/** The bindings, or undefined where this Node does not have them in the shape that we know. */
export function streamHandles(): StreamHandles | undefined {
  if (!looked) {
    looked = true;
    found = look();
  }
  return found;
}

function look(): StreamHandles | undefined {
  // Tests and the doubtful can ask for the portable transport.
  if (process.env['TSRESTY_TRANSPORT'] === 'portable') return undefined;
  const binding = (process as unknown as { binding?: (name: string) => Record<string, unknown> }).binding;
  if (typeof binding !== 'function') return undefined;
  let tcp: Record<string, unknown>;
  let pipe: Record<string, unknown>;
  let stream: Record<string, unknown>;
  try {
    tcp = binding.call(process, 'tcp_wrap');
    pipe = binding.call(process, 'pipe_wrap');
    stream = binding.call(process, 'stream_wrap');
  } catch {
    // No such binding in this Node: that is the answer, not an error.
    return undefined;
  }
  const handles = {
    TCP: tcp['TCP'],
    Pipe: pipe['Pipe'],
    WriteWrap: stream['WriteWrap'],
    ShutdownWrap: stream['ShutdownWrap'],
    TCPConnectWrap: tcp['TCPConnectWrap'],
    PipeConnectWrap: pipe['PipeConnectWrap'],
    tcpKind: tcp['constants'],
    pipeKind: pipe['constants'],
    ipv6Only: (tcp['constants'] as Record<string, unknown> | undefined)?.['UV_TCP_IPV6ONLY'],
    state: stream['streamBaseState'],
    kReadBytesOrError: stream['kReadBytesOrError'],
    kLastWriteWasAsync: stream['kLastWriteWasAsync'],
  };
  const constructors = [handles.TCP, handles.Pipe, handles.WriteWrap, handles.ShutdownWrap, handles.TCPConnectWrap];
  if (constructors.some((c) => typeof c !== 'function') || !ArrayBuffer.isView(handles.state)) return undefined;
  if (typeof handles.kReadBytesOrError !== 'number' || typeof handles.kLastWriteWasAsync !== 'number') return undefined;
  const proto = (handles.TCP as { prototype: object }).prototype;
  for (const method of ['useUserBuffer', 'writeLatin1String', 'writev', 'readStart', 'readStop', 'open', 'listen']) {
    if (!(method in proto)) return undefined;
  }
  return handles as unknown as StreamHandles;
}
