/**
 * The addresses of `listen` and its parameters that concern the socket, the same in http and stream. nginx: ngx_http_core_listen(),
 * ngx_stream_core_listen().
 */
import type { ListenAddress, ListenSocketOptions } from '../net/listening.ts';
import { parseUrl, UrlError } from '../net/url.ts';
import type { ConfContext } from './directive.ts';
import { parseNumber, parseSize, parseTime } from './units.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What one `listen` says about its socket. */
export interface SocketParameters {
  socket: Writable<ListenSocketOptions>;
  /** Something about the socket was said: it can be said only once for an address. */
  set: boolean;
}

/** What holds when nothing is said. */
export const DEFAULT_SOCKET: ListenSocketOptions = {
  backlog: 511,
  reuseport: false,
  ipv6only: true,
  deferred: false,
  bind: false,
};

/** Parameters that say something about the socket, by the text before `=`. */
const SOCKET_PARAMETERS: Readonly<
  Record<string, (socket: Writable<ListenSocketOptions>, value: string, whole: string) => string | undefined>
> = {
  'setfib=': (_socket, _value, whole) => `invalid parameter "${whole}"`,
  'fastopen=': (socket, value, whole) => {
    const n = parseNumber(value);
    if (n === undefined) return `invalid fastopen "${whole}"`;
    socket.fastopen = n;
    return undefined;
  },
  'backlog=': (socket, value, whole) => {
    const n = parseNumber(value);
    if (n === undefined || n === 0) return `invalid backlog "${whole}"`;
    socket.backlog = n;
    return undefined;
  },
  'rcvbuf=': (socket, value, whole) => {
    const n = parseSize(value);
    if (n === undefined) return `invalid rcvbuf "${whole}"`;
    socket.rcvbuf = n;
    return undefined;
  },
  'sndbuf=': (socket, value, whole) => {
    const n = parseSize(value);
    if (n === undefined) return `invalid sndbuf "${whole}"`;
    socket.sndbuf = n;
    return undefined;
  },
  'so_keepalive=': (socket, value) => {
    if (value === 'on') socket.keepalive = true;
    else if (value === 'off') socket.keepalive = false;
    else {
      const keepalive = parseKeepalive(value);
      if (keepalive === undefined) return `invalid so_keepalive value: "${value}"`;
      socket.keepalive = keepalive;
    }
    return undefined;
  },
};

/** `idle:interval:count`, each of which may be left out. */
function parseKeepalive(text: string): { idle?: number; interval?: number; count?: number } | undefined {
  const [idleText = '', intervalText = '', ...rest] = text.split(':');
  const countText = rest.join(':');
  const keepalive: { idle?: number; interval?: number; count?: number } = {};
  if (idleText !== '') {
    const idle = parseTime(idleText, 's');
    if (idle === undefined) return undefined;
    keepalive.idle = idle;
  }
  if (intervalText !== '') {
    const interval = parseTime(intervalText, 's');
    if (interval === undefined) return undefined;
    keepalive.interval = interval;
  }
  if (countText !== '') {
    const count = parseNumber(countText);
    if (count === undefined) return undefined;
    keepalive.count = count;
  }
  return keepalive.idle || keepalive.interval || keepalive.count ? keepalive : undefined;
}

/**
 * Takes one parameter.
 *
 * @returns nginx's message when it is wrong, or none that concerns sockets
 */
export function parseSocketParameter(cf: ConfContext, options: SocketParameters, text: string): string | undefined {
  switch (text) {
    case 'multipath':
      cf.log('emerg', 'multipath is not supported on this platform, ignored');
      return undefined;
    case 'bind':
      break;
    case 'deferred':
      options.socket.deferred = true;
      break;
    case 'reuseport':
      options.socket.reuseport = true;
      break;
    case 'ipv6only=on':
      options.socket.ipv6only = true;
      break;
    case 'ipv6only=off':
      options.socket.ipv6only = false;
      break;
    default: {
      if (text.startsWith('ipv6only=o')) return `invalid ipv6only flags "${text.slice(9)}"`;
      if (text.startsWith('accept_filter=')) {
        cf.log('emerg', `accept filters "${text}" are not supported on this platform, ignored`);
        return undefined;
      }
      const name = text.slice(0, text.indexOf('=') + 1);
      const parse = Object.hasOwn(SOCKET_PARAMETERS, name) ? SOCKET_PARAMETERS[name] : undefined;
      if (parse === undefined) return `invalid parameter "${text}"`;
      const message = parse(options.socket, text.slice(name.length), text);
      if (message !== undefined) return message;
    }
  }
  options.set = true;
  options.socket.bind = true;
  return undefined;
}

/**
 * The addresses that a `listen` names, each once.
 *
 * @param defaultPort undefined: the port must be said
 * @returns nginx's message when there are none
 */
export function listenAddresses(url: string, defaultPort: number | undefined): readonly ListenAddress[] | string {
  try {
    const { addresses, noPort, family } = parseUrl(url, { listen: true, defaultPort: defaultPort ?? 0 });
    if (defaultPort === undefined && noPort && family !== 'unix')
      return `no port in "${url}" of the "listen" directive`;
    return [...new Map(addresses.map((one) => [one.text, one])).values()];
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in "${url}" of the "listen" directive`;
    throw e;
  }
}
