/**
 * Transports of UDP cosockets: node:dgram for IP, and for unix datagram sockets, which Node does not know, a
 * descriptor of our own in one of its pipe handles: reads and writes on it are datagrams.
 */
import { closeSync } from 'node:fs';
import { errnoName } from '../../log/errno.ts';
import { updateTime } from '../../log/time.ts';
import { streamHandles } from '../../net/handles.ts';
import { latin1Slice } from '../../net/latin1.ts';
import { TcpSocket } from '../../net/tcp.ts';
import { errno, libc } from '../../shm/libc.ts';

export interface DatagramOwner {
  onDatagram(data: string): void;
  /** The errno name of an error that the kernel reported. */
  onFailure(code: string): void;
}

export interface Datagrams {
  /** Sends one datagram; '' or an errno name. */
  send(data: string): string;
  close(): void;
}

/**
 * Opens a socket connected to a peer.
 * @param address numeric, or the path of a unix socket
 * @param port undefined for a unix socket
 * @returns an errno name when that fails
 */
export function openDatagrams(
  address: string,
  port: number | undefined,
  local: string | undefined,
  owner: DatagramOwner,
): Datagrams | string {
  return port === undefined ? openUnix(address, owner) : openInet(address, port, local, owner);
}

function openInet(address: string, port: number, local: string | undefined, owner: DatagramOwner): Datagrams | string {
  const { createSocket } = process.getBuiltinModule('node:dgram');
  const six = address.includes(':');
  // Addresses are numeric: with a lookup that answers at once, everything below happens at once.
  const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void) =>
    done(null, host, six ? 6 : 4);
  const socket = createSocket({ type: six ? 'udp6' : 'udp4', lookup });
  let failure = '';
  let opening = true;
  let closed = false;
  const fail = (error: NodeJS.ErrnoException) => {
    updateTime();
    if (opening) failure = error.code ?? 'EIO';
    else if (!closed) owner.onFailure(error.code ?? 'EIO');
  };
  socket.on('error', fail);
  socket.on('message', (bytes) => {
    updateTime();
    if (!closed) owner.onDatagram(bytes.toString('latin1'));
  });
  try {
    socket.bind({ port: 0, exclusive: true, ...(local === undefined ? {} : { address: local }) });
    if (failure === '') socket.connect(port, address);
  } catch (error) {
    failure = (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
  opening = false;
  if (failure !== '') {
    socket.removeAllListeners('error');
    socket.on('error', () => {});
    socket.close();
    return failure === 'ERR_SOCKET_BAD_PORT' ? 'EINVAL' : failure;
  }
  return {
    send(data) {
      socket.send(Buffer.from(data, 'latin1'), (error) => {
        if (error !== null && error !== undefined) fail(error);
      });
      return '';
    },
    close() {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}

const linux = process.platform === 'linux';
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = linux ? 0o4000 : 0;
const SOCK_CLOEXEC = linux ? 0o2000000 : 0;

/** struct sockaddr_un. */
function unixAddress(path: string): Uint8Array {
  const bytes = new Uint8Array(2 + path.length + (path === '' ? 0 : 1));
  if (linux) bytes[0] = AF_UNIX;
  else {
    bytes[0] = bytes.length;
    bytes[1] = AF_UNIX;
  }
  for (let i = 0; i < path.length; i++) bytes[2 + i] = path.charCodeAt(i);
  return bytes;
}

function openUnix(path: string, owner: DatagramOwner): Datagrams | string {
  const native = streamHandles();
  if (native === undefined) return 'EPROTONOSUPPORT';
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errnoName(errno()) ?? 'EIO';
  // An address of its own, so that the peer can answer: Linux chooses one for an empty name.
  const own = unixAddress('');
  const peer = unixAddress(path);
  if ((linux && libc.bind(fd, own, own.length) !== 0) || libc.connect(fd, peer, peer.length) !== 0) {
    const code = errnoName(errno()) ?? 'EIO';
    closeSync(fd);
    return code;
  }
  const handle = new native.Pipe(native.pipeKind.SOCKET);
  const status = handle.open(fd);
  if (status !== 0) {
    closeSync(fd);
    return errnoName(status) ?? 'EIO';
  }
  const socket = new TcpSocket(handle, false, undefined);
  socket.owner = {
    onData: (buffer, start, end) => owner.onDatagram(latin1Slice(buffer, start, end)),
    onEnd() {
      // An empty datagram; reading stops at what looks like the end of a stream.
      owner.onDatagram('');
      socket.resume();
    },
    onError: (code) => owner.onFailure(code),
    onDrain() {},
    onClose() {},
  };
  socket.resume();
  return {
    send(data) {
      return socket.write(data) ? '' : socket.failure;
    },
    close() {
      socket.owner = undefined;
      socket.destroy();
    },
  };
}
