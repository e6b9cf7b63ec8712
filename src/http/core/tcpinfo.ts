/**
 * $tcpinfo_rtt and its kin, asked of the kernel by getsockopt(TCP_INFO). Linux only: elsewhere, and where native calls
 * are not to be had, the variables are not found, and the error log says why. nginx: ngx_http_variable_tcpinfo().
 */
import { createRequire } from 'node:module';
import { LOG_ERR } from '../../log/log.ts';
import type { HttpRequest } from '../request.ts';
import type { VariableSpec, VariableValue } from '../variables.ts';

/** Byte offsets in struct tcp_info (linux/tcp.h). */
const OFFSETS = { tcpinfo_rtt: 68, tcpinfo_rttvar: 72, tcpinfo_snd_cwnd: 80, tcpinfo_rcv_space: 96 } as const;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Uint32Array) => number;

let getsockopt: GetSockOpt | undefined;
let loaded = false;
const info = Buffer.alloc(256);

function load(r: HttpRequest): void {
  loaded = true;
  if (process.platform !== 'linux') return;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const libc = koffi.load(null);
    getsockopt = libc.func('int getsockopt(int, int, int, void *, _Inout_ uint32_t *)') as unknown as GetSockOpt;
  } catch (e) {
    r.log(LOG_ERR, `$tcpinfo_ variables need native calls: ${(e as Error).message}`);
  }
}

function tcpinfo(r: HttpRequest, offset: unknown): VariableValue {
  if (!loaded) load(r);
  const fd = r.connection.fd;
  if (getsockopt === undefined || fd === undefined || fd < 0) return null;
  const length = new Uint32Array([info.length]);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0) return null;
  const at = offset as number;
  return (length[0] as number) < at + 4 ? null : String(info.readUInt32LE(at));
}

export const tcpinfoVariables: readonly VariableSpec[] = Object.entries(OFFSETS).map(([name, offset]) => ({
  name,
  get: tcpinfo,
  data: offset,
  noCacheable: true,
}));
