/** `open_file_cache` and its kin, and `disable_symlinks`. nginx: ngx_http_core_open_file_cache(), ngx_http_disable_symlinks(). */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { flagSlot, numSlot, secSlot } from '../../conf/slots.ts';
import { parseNumber, parseTime } from '../../conf/units.ts';
import { OpenFileCache } from '../open-file-cache.ts';
import { compileComplexValue } from '../script.ts';
import type { CoreLocation } from './conf.ts';

const LOCATION: readonly ContextName[] = ['http', 'server', 'location'];

/** What `open_file_cache off` leaves in place of a cache, so that nothing is inherited. */
export const NO_CACHE = new OpenFileCache(0, 0);

function setOpenFileCache(_cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  if (location.openFileCache !== undefined) return 'is duplicate';
  let max = 0;
  let inactive = 60;
  let off = false;
  for (const arg of args) {
    const invalid = `invalid "open_file_cache" parameter "${arg}"`;
    if (arg.startsWith('max=')) {
      max = parseNumber(arg.slice(4)) ?? 0;
      if (max === 0) return invalid;
    } else if (arg.startsWith('inactive=')) {
      const time = parseTime(arg.slice(9), 's');
      if (time === undefined) return invalid;
      inactive = time;
    } else if (arg === 'off') off = true;
    else return invalid;
  }
  if (off) {
    location.openFileCache = NO_CACHE;
    return undefined;
  }
  if (max === 0) return '"open_file_cache" must have the "max" parameter';
  location.openFileCache = new OpenFileCache(max, inactive);
  return undefined;
}

function setDisableSymlinks(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  if (location.disableSymlinks !== undefined) return 'is duplicate';
  let from = false;
  for (const arg of args) {
    if (arg === 'off' || arg === 'on' || arg === 'if_not_owner') location.disableSymlinks = arg;
    else if (arg.startsWith('from=')) {
      location.disableSymlinksFrom = compileComplexValue(cf, arg.slice(5));
      from = true;
    } else return `invalid parameter "${arg}"`;
  }
  if (location.disableSymlinks === undefined) {
    return `"${cf.name}" must have "off", "on" or "if_not_owner" parameter`;
  }
  if (args.length === 1) return undefined;
  if (!from) return `duplicate parameters "${args[0]} ${args[1]}"`;
  return location.disableSymlinks === 'off' ? '"from=" cannot be used with "off" parameter' : undefined;
}

export const openFileCacheDirectives: readonly Directive<CoreLocation>[] = [
  {
    name: 'open_file_cache',
    contexts: LOCATION,
    args: [1, 2],
    level: 'location',
    slot: { field: 'openFileCache', default: undefined },
    doc: 'How many descriptors, sizes and failures of files are remembered, and for how long unused.',
    defaultText: 'off',
    set: setOpenFileCache,
  },
  secSlot<CoreLocation>(
    'open_file_cache_valid',
    LOCATION,
    'location',
    'openFileCacheValid',
    60,
    'After this time a remembered file is looked at again.',
  ),
  numSlot<CoreLocation>(
    'open_file_cache_min_uses',
    LOCATION,
    'location',
    'openFileCacheMinUses',
    1,
    'How often a file must be used for its descriptor to stay open.',
  ),
  flagSlot<CoreLocation>(
    'open_file_cache_errors',
    LOCATION,
    'location',
    'openFileCacheErrors',
    false,
    'Whether failures are remembered, too.',
  ),
  flagSlot<CoreLocation>(
    'open_file_cache_events',
    LOCATION,
    'location',
    'openFileCacheEvents',
    false,
    'Accepted; files are looked at by time only.',
  ),
  {
    name: 'disable_symlinks',
    contexts: LOCATION,
    args: [1, 2],
    level: 'location',
    slot: { field: 'disableSymlinks', default: 'off' },
    doc: 'Whether paths with symbolic links are refused.',
    defaultText: 'off',
    set: setDisableSymlinks,
  },
];
