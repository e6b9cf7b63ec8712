/**
 * Finds the prefix location of a URI: the exact one, else the longest prefix.
 *
 * Sorted prefixes are nested by containment, so that the locations of one level are never prefixes of each other; then
 * the last one that is not greater than the URI is the only candidate, and a binary search finds it without making
 * strings. nginx builds a binary tree of the same nesting (ngx_http_create_locations_tree).
 */
import { ConfError } from '../../conf/error.ts';
import type { CoreLocation } from './conf.ts';

interface Node {
  readonly name: string;
  readonly location: CoreLocation;
  readonly inner: Node[];
}

/** The prefix and exact locations of one block. */
export class LocationTree {
  readonly #exact: ReadonlyMap<string, CoreLocation>;
  readonly #roots: readonly Node[];
  /** By name without the slash at its end. */
  readonly #redirects: ReadonlyMap<string, CoreLocation>;

  /**
   * @param locations with names: neither regex nor named ones
   * @throws ConfError for `duplicate location`
   */
  constructor(locations: readonly CoreLocation[]) {
    const exact = new Map<string, CoreLocation>();
    const prefixes = new Map<string, CoreLocation>();
    // nginx finds duplicates in the order of names.
    const sorted = [...locations].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const location of sorted) {
      const names = location.exactMatch ? exact : prefixes;
      if (names.has(location.name)) throw new ConfError(`duplicate location "${location.name}"`, location);
      names.set(location.name, location);
    }
    const redirects = new Map<string, CoreLocation>();
    for (const location of [...prefixes.values(), ...exact.values()]) {
      if (location.autoRedirect && location.name.endsWith('/')) redirects.set(location.name.slice(0, -1), location);
    }
    this.#exact = exact;
    this.#roots = nest([...prefixes.values()]);
    this.#redirects = redirects;
  }

  /** The location whose name is the URI, by `=`. */
  exact(uri: string): CoreLocation | undefined {
    return this.#exact.size === 0 ? undefined : this.#exact.get(uri);
  }

  /** The longest prefix. */
  prefix(uri: string): CoreLocation | undefined {
    let nodes = this.#roots;
    let best: CoreLocation | undefined;
    while (nodes.length > 0) {
      let low = 0;
      let high = nodes.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((nodes[middle] as Node).name <= uri) low = middle + 1;
        else high = middle;
      }
      if (low === 0) break;
      const node = nodes[low - 1] as Node;
      if (!uri.startsWith(node.name)) break;
      best = node.location;
      nodes = node.inner;
    }
    return best;
  }

  /** The location that is the URI and a slash, when it redirects to itself. */
  redirect(uri: string): CoreLocation | undefined {
    return this.#redirects.size === 0 ? undefined : this.#redirects.get(uri);
  }
}

/** Sorted locations to nested nodes. */
function nest(locations: readonly CoreLocation[]): Node[] {
  const roots: Node[] = [];
  const open: Node[] = [];
  for (const location of locations) {
    const node: Node = { name: location.name, location, inner: [] };
    while (open.length > 0 && !location.name.startsWith((open[open.length - 1] as Node).name)) open.pop();
    (open[open.length - 1]?.inner ?? roots).push(node);
    open.push(node);
  }
  return roots;
}
