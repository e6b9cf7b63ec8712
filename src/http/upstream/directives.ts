/**
 * The directives that every module with backends has under its own prefix: timeouts, the local address, which failures
 * another server is asked after. nginx: the tables of ngx_http_proxy_module.c, ngx_http_memcached_module.c and others.
 */
import type { ContextName, Directive } from '../../conf/directive.ts';
import {
  bitmaskSlot,
  type FieldOf,
  flagSlot,
  msecSlot,
  numSlot,
  refuse,
  type SlotParser,
  sizeSlot,
  slot,
} from '../../conf/slots.ts';
import { parseLocal } from '../../net/local-address.ts';
import { compileComplexValue } from '../script.ts';
import {
  FT_ERROR,
  FT_HTTP_404,
  FT_INVALID_HEADER,
  FT_OFF,
  FT_TIMEOUT,
  type LocalAddress,
  type UpstreamSettings,
} from './conf.ts';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];
const PAGE = 4096;

/** The settings that `backendDirectives` fill. */
export type BackendSettings = Pick<
  UpstreamSettings,
  | 'local'
  | 'socketKeepalive'
  | 'connectTimeout'
  | 'sendTimeout'
  | 'readTimeout'
  | 'bufferSize'
  | 'nextUpstream'
  | 'nextUpstreamTries'
  | 'nextUpstreamTimeout'
>;

const parseBind: SlotParser<LocalAddress | null> = (cf, args) => {
  const [text, option] = args as [string, string | undefined];
  if (args.length === 1 && text === 'off') return null;
  const value = compileComplexValue(cf, text);
  const address = value.literal === undefined ? undefined : parseLocal(text);
  if (value.literal !== undefined && address === undefined) return refuse(`invalid address "${text}"`);
  if (option === 'transparent') return refuse('transparent proxying is not supported on this platform');
  if (option !== undefined) return refuse(`invalid parameter "${option}"`);
  return { value, address };
};

/** Words of PREFIX_next_upstream where answers have no status of their own. */
export const ANSWER_REASONS: Readonly<Record<string, number>> = {
  error: FT_ERROR,
  timeout: FT_TIMEOUT,
  invalid_response: FT_INVALID_HEADER,
  not_found: FT_HTTP_404,
  off: FT_OFF,
};

/**
 * The directives of a module.
 *
 * @param prefix `proxy`, `memcached`, ...
 * @param reasons words of PREFIX_next_upstream, with their FT_* bits
 */
export function backendDirectives<C extends BackendSettings>(
  prefix: string,
  reasons: Readonly<Record<string, number>>,
): readonly Directive<C>[] {
  // Each field is one of C, which the compiler cannot see through the type parameter.
  type Field<V> = FieldOf<C, V>;
  const field = <V>(name: keyof BackendSettings): Field<V> => name as unknown as Field<V>;
  const msec = (name: string, key: keyof BackendSettings, fallback: number, doc: string): Directive<C> =>
    msecSlot<C>(`${prefix}_${name}`, CONTEXTS, 'location', field<number>(key), fallback, doc);
  return [
    slot<C, LocalAddress | null>({
      name: `${prefix}_bind`,
      contexts: CONTEXTS,
      args: [1, 2],
      level: 'location',
      field: field<LocalAddress | null>('local'),
      parse: parseBind,
      default: null,
      extra: 'The local address of connections to backends.',
    }),
    flagSlot<C>(
      `${prefix}_socket_keepalive`,
      CONTEXTS,
      'location',
      field<boolean>('socketKeepalive'),
      false,
      'TCP keep-alive of connections to backends.',
    ),
    msec('connect_timeout', 'connectTimeout', 60000, 'How long connecting to a backend may take.'),
    msec('send_timeout', 'sendTimeout', 60000, 'How long may pass between two writes to a backend.'),
    msec('read_timeout', 'readTimeout', 60000, 'How long may pass between two reads from a backend.'),
    sizeSlot<C>(
      `${prefix}_buffer_size`,
      CONTEXTS,
      'location',
      field<number>('bufferSize'),
      PAGE,
      'Most bytes of a response header.',
    ),
    bitmaskSlot<C>(
      `${prefix}_next_upstream`,
      CONTEXTS,
      'location',
      field<number>('nextUpstream'),
      reasons,
      FT_ERROR | FT_TIMEOUT,
      { min: 1 },
      'When another server of the upstream is asked.',
    ),
    numSlot<C>(
      `${prefix}_next_upstream_tries`,
      CONTEXTS,
      'location',
      field<number>('nextUpstreamTries'),
      0,
      'Most servers that are asked; 0 for all.',
    ),
    msec('next_upstream_timeout', 'nextUpstreamTimeout', 0, 'Until when another server is asked; 0 for always.'),
  ];
}

/** `off` takes all other words of PREFIX_next_upstream away. For mergeLocation. */
export function completeBackend(conf: BackendSettings): void {
  if ((conf.nextUpstream & FT_OFF) !== 0) conf.nextUpstream = FT_OFF;
}

/** What modules have that pass no header and no body on, and read answers as they come. */
export function plainBackend(): Omit<UpstreamSettings, keyof BackendSettings | 'upstream'> {
  return {
    buffers: { num: 0, size: 0 },
    buffering: false,
    maxTempFileSize: 0,
    socketRcvbuf: 0,
    socketSndbuf: 0,
    store: null,
    storeAccess: 0,
    tempPath: undefined,
    limitRate: undefined,
    requestBuffering: true,
    ignoreClientAbort: false,
    interceptErrors: true,
    intercept404: true,
    passRequestHeaders: false,
    passRequestBody: false,
    passTrailers: false,
    forceRanges: true,
    ignoreHeaders: 0,
    hidden: new Set(['server', 'date']),
    fieldKinds: undefined,
    tls: undefined,
  };
}
