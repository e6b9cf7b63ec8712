/**
 * What directives ask of the cycle beside their own values: shared memory zones and folders. Each may be named by
 * several directives; these functions find contradictions. nginx: ngx_shared_memory_add (src/core/ngx_cycle.c),
 * ngx_add_path, ngx_conf_set_path_slot (src/core/ngx_file.c).
 */
import type { Cycle, PathRequest, ZoneRequest } from './cycle.ts';
import type { ConfContext, ConfLevel, ContextName, Directive } from './directive.ts';
import { ConfError } from './error.ts';
import { type FieldOf, refuse, type SlotExtra, slot } from './slots.ts';
import { parseNumber } from './units.ts';

/** The whole cycle behind a setter's view of it. */
export function cycleOf(cf: ConfContext): Cycle {
  return cf.cycle as Cycle;
}

/**
 * Declares a zone, or refers to one declared before or later (`size` 0).
 *
 * @param owner kind of module; two kinds cannot share a zone
 * @throws ConfError when owner or size contradict an earlier declaration
 */
export function requestZone(cf: ConfContext, name: string, size: number, owner: string): ZoneRequest {
  const { zones } = cycleOf(cf);
  const known = zones.get(name);
  if (known === undefined) {
    const zone: ZoneRequest = { name, size, owner };
    zones.set(name, zone);
    return zone;
  }
  if (known.owner !== owner) {
    throw cf.error(`the shared memory zone "${name}" is already declared for a different use`);
  }
  if (known.size === 0) known.size = size;
  else if (size !== 0 && size !== known.size) {
    throw cf.error(
      `the size ${size} of shared memory zone "${name}" conflicts with already declared size ${known.size}`,
    );
  }
  return known;
}

/** Refuses zones that were referred to and never declared. Called before zones are made. */
export function checkZones(cycle: Cycle): void {
  for (const zone of cycle.zones.values()) {
    if (zone.size === 0) throw new ConfError(`zero size shared memory zone "${zone.name}"`);
  }
}

function sameLevels(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((level, i) => level === b[i]);
}

/**
 * Asks for a folder to be created at start. Returns the request made first for that path.
 *
 * @throws ConfError when it is used with other levels or by another owner
 */
export function requestPath(cf: ConfContext, request: PathRequest): PathRequest {
  const { paths } = cycleOf(cf);
  const known = paths.get(request.path);
  if (known === undefined) {
    paths.set(request.path, request);
    return request;
  }
  const place = known.position === undefined ? '(null):0' : `${known.position.file}:${known.position.line}`;
  if (known.owner !== request.owner) {
    throw cf.error(`the same path name "${known.path}" used in ${place} and`);
  }
  if (sameLevels(known.levels, request.levels)) return known;
  if (request.position !== undefined) {
    throw cf.error(`the same path name "${known.path}" in ${place} has the different levels than`);
  }
  if (known.position === undefined) {
    throw new ConfError(
      `the default path name "${known.path}" has the same name as another default path, ` +
        'but the different levels, you need to redefine one of them in http section',
    );
  }
  throw new ConfError(
    `the path name "${known.path}" in ${place} has the same name as default path, ` +
      'but the different levels, you need to define default path in http section',
  );
}

/** A folder and up to three lengths of nested folders' names: `client_body_temp_path /spool 1 2`. */
export function pathSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: ConfLevel | undefined,
  field: FieldOf<C, PathRequest>,
  extra?: SlotExtra<C, PathRequest>,
): Directive<C> {
  return slot<C, PathRequest>({
    name,
    contexts,
    args: [1, 2, 3, 4],
    level,
    field,
    default: undefined,
    parse(cf, args) {
      const levels: number[] = [];
      for (const arg of args.slice(1)) {
        const length = parseNumber(arg);
        if (length === undefined || length === 0) return refuse('invalid value');
        levels.push(length);
      }
      // Room for the name of a temporary file: ten digits, of which the levels take theirs.
      if (levels.reduce((sum, length) => sum + length, 0) > 10) return refuse('invalid value');
      const path = cf.fullName(args[0]!.endsWith('/') ? args[0]!.slice(0, -1) : args[0]!);
      return requestPath(cf, { path, levels, position: { file: cf.file, line: cf.line } });
    },
    extra,
  });
}
