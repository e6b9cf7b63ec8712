/** Addresses and numbers as the C library's socket calls take them (src/shm/libc.ts), on Linux and macOS. */
import { addressBytes } from './address.ts';
import type { ListenAddress } from './listening.ts';

const linux = process.platform === 'linux';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = linux ? 10 : 30;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
/** Linux only: flags in the type. */
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** AF_INET and so on. */
export function addressFamily(where: ListenAddress): number {
  return where.family === 'unix' ? AF_UNIX : where.family === 'inet' ? AF_INET : AF_INET6;
}

/** A struct sockaddr. On macOS it begins with its length in a byte, and the family takes one byte as well. */
export function socketAddress(where: ListenAddress): Buffer {
  const family = addressFamily(where);
  let address: Buffer;
  if (where.family === 'unix') {
    const path = Buffer.from(where.address, 'latin1');
    address = Buffer.alloc(2 + path.length + 1);
    path.copy(address, 2);
  } else {
    const bytes = addressBytes(where.address);
    address = Buffer.alloc(where.family === 'inet' ? 16 : 28);
    address.writeUInt16BE(where.port, 2);
    address.set(bytes, where.family === 'inet' ? 4 : 8);
  }
  if (linux) address.writeUInt16LE(family, 0);
  else address.set([address.length, family], 0);
  return address;
}
