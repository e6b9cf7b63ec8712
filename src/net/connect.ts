/**
 * Connecting out: the client side of the transport, for upstreams and cosockets. Names are resolved elsewhere
 * (src/net/resolver): an address here is numeric.
 */
import { isIPv6 } from './address.ts';
import { type ConnectRequest, type PipeHandle, streamHandles, type TcpHandle } from './handles.ts';
import { PortableSocket } from './portable.ts';
import type { Socket, SocketOwner } from './socket.ts';
import { clientHandle, TcpSocket } from './tcp.ts';

/** Where to connect to. */
export type ConnectTarget =
  | {
      /** Numeric IPv4 or IPv6 address. */
      readonly address: string;
      readonly port: number;
      /** Numeric local address, and port (0: any), to connect from. `proxy_bind`. */
      readonly bind?: { readonly address: string; readonly port: number };
    }
  | { readonly path: string };

/** What the owner of a connecting socket is told besides: first of all either onConnect or onError and onClose. */
export interface ConnectOwner extends SocketOwner {
  /** The connection stands; the socket is paused. */
  onConnect(): void;
}

/**
 * Begins to connect. Every outcome comes later through the owner, also a failure that the kernel knows at once.
 * There is no timeout: who wants one destroys the socket. Nothing may be written before onConnect.
 */
export function connectTcp(target: ConnectTarget, owner: ConnectOwner): Socket {
  const native = streamHandles();
  return native === undefined ? connectPortable(target, owner) : connectHandle(target, owner);
}

interface OwnedRequest extends ConnectRequest {
  socket: TcpSocket;
}

function connectHandle(target: ConnectTarget, owner: ConnectOwner): TcpSocket {
  const native = streamHandles()!;
  const tcp = !('path' in target);
  const handle = clientHandle(tcp);
  const socket = new TcpSocket(handle, tcp, undefined);
  socket.owner = owner;
  const request = new (tcp ? native.TCPConnectWrap : native.PipeConnectWrap)() as OwnedRequest;
  request.oncomplete = onConnected;
  request.socket = socket;
  let status: number;
  if ('path' in target) {
    socket.remoteAddress = 'unix:' + target.path;
    status = (handle as PipeHandle).connect(request, target.path) ?? 0;
  } else {
    socket.remoteAddress = target.address;
    socket.remotePort = target.port;
    status = target.bind === undefined ? 0 : bindLocal(handle as TcpHandle, target.bind);
    if (status === 0) {
      status = isIPv6(target.address)
        ? (handle as TcpHandle).connect6(request, target.address, target.port)
        : (handle as TcpHandle).connect(request, target.address, target.port);
    }
  }
  if (status !== 0) socket.failSoon(status);
  return socket;
}

function bindLocal(handle: TcpHandle, local: { address: string; port: number }): number {
  return isIPv6(local.address) ? handle.bind6(local.address, local.port, 0) : handle.bind(local.address, local.port);
}

function onConnected(this: ConnectRequest, status: number): void {
  const { socket } = this as OwnedRequest;
  // Destroyed while it was connecting: libuv reports the cancelled request.
  if (socket.closed) return;
  if (status !== 0) socket.fail(status);
  else (socket.owner as ConnectOwner | undefined)?.onConnect();
}

function connectPortable(target: ConnectTarget, owner: ConnectOwner): PortableSocket {
  const { Socket: NetSocket } = process.getBuiltinModule('node:net');
  const stream = new NetSocket({ allowHalfOpen: true });
  const socket = new PortableSocket(stream);
  socket.owner = owner;
  stream.once('connect', () => owner.onConnect());
  if ('path' in target) stream.connect({ path: target.path });
  else {
    const { address, port, bind } = target;
    stream.connect({ host: address, port, localAddress: bind?.address, localPort: bind?.port });
  }
  return socket;
}
