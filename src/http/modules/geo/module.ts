/**
 * `geo`: a variable by the client's address. nginx: src/http/modules/ngx_http_geo_module.c. Large files of ranges are
 * always read as text; nginx keeps a binary copy of them, `FILE.bin`, for itself.
 */

import type { ConfContext, Directive } from '../../../conf/directive.ts';
import { type Cidr, parseAddress, parseCidr } from '../../../conf/modules/cidr.ts';
import { type ClientAddress, forwardedAddress, parseClientAddress, unmapped } from '../../core/forwarded.ts';
import { httpOf } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { addVariable, getIndexed, getVariableIndex } from '../../variables.ts';
import { NetworkMap } from './networks.ts';
import { addressNumber, RangeMap } from './ranges.ts';

/** Stands for an address that is none: a unix socket, a text that is no address. */
const NO_ADDRESS: readonly number[] = [255, 255, 255, 255];

const ALL_INET: Cidr = { address: [0, 0, 0, 0], bits: 0, lowBits: false };
const ALL_INET6: Cidr = { address: new Array<number>(16).fill(0), bits: 0, lowBits: false };

/** One `geo` block. */
class Geo {
  /** Slot of the variable with the address; -1 for the connection's. */
  readonly source: number;
  readonly proxies: Cidr[] = [];
  recursive = false;
  ranges: RangeMap | undefined = undefined;
  /** With ranges: what holds outside them. */
  fallback: string | undefined = undefined;
  readonly inet = new NetworkMap();
  readonly inet6 = new NetworkMap();
  /** A network was named. */
  hasNetworks = false;

  constructor(source: number) {
    this.source = source;
  }

  #address(r: HttpRequest): readonly number[] {
    let client: ClientAddress;
    if (this.source < 0) {
      const c = r.connection;
      client = { bytes: parseAddress(c.remoteAddress), port: 0 };
    } else {
      const bytes = parseClientAddress(getIndexed(r, this.source) ?? '');
      if (bytes === undefined) return NO_ADDRESS;
      client = { bytes, port: 0 };
    }
    if (this.proxies.length > 0) {
      const forwarded = r.headersIn.list.getAll('x-forwarded-for');
      if (forwarded.length > 0) {
        client = forwardedAddress(client, forwarded, this.proxies, this.recursive) ?? client;
      }
    }
    return client.bytes === undefined ? NO_ADDRESS : unmapped(client.bytes);
  }

  find(r: HttpRequest): string {
    const address = this.#address(r);
    if (this.ranges !== undefined) {
      // Ranges are of IPv4 only.
      const inet = address.length === 4 ? address : NO_ADDRESS;
      return this.ranges.find(addressNumber(inet)) ?? this.fallback ?? '';
    }
    return (address.length === 4 ? this.inet : this.inet6).find(address) ?? '';
  }
}

function geoVariable(r: HttpRequest, data: unknown): string {
  return (data as Geo).find(r);
}

function parseNetwork(cf: ConfContext, text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw cf.error(`invalid network "${text}"`);
  if (cidr.lowBits) cf.warn(`low address bits of ${text} are meaningless`);
  return cidr;
}

function addNetwork(cf: ConfContext, geo: Geo, network: Cidr, value: string, text: string): void {
  const networks = network.address.length === 4 ? geo.inet : geo.inet6;
  if (networks.add(network, value)) return;
  const old = networks.find(network.address) ?? '';
  cf.warn(`duplicate network "${text}", value: "${value}", old value: "${old}"`);
  networks.delete(network);
  networks.add(network, value);
}

function networkLine(cf: ConfContext, geo: Geo, key: string, value: string): undefined {
  geo.hasNetworks = true;
  if (key === 'default') {
    addNetwork(cf, geo, ALL_INET, value, key);
    addNetwork(cf, geo, ALL_INET6, value, key);
  } else if (key === 'delete') {
    const network = parseNetwork(cf, value);
    const networks = network.address.length === 4 ? geo.inet : geo.inet6;
    if (!networks.delete(network)) cf.warn(`no network "${value}" to delete`);
  } else {
    addNetwork(cf, geo, parseNetwork(cf, key), value, key);
  }
}

/** First and last address of `1.2.3.4-5.6.7.8`. */
function parseRange(text: string): readonly [number, number] | undefined {
  const dash = text.indexOf('-');
  if (dash < 0) return undefined;
  const ends = [text.slice(0, dash), text.slice(dash + 1)].map(parseClientAddress);
  const [start, end] = ends.map((bytes) => (bytes?.length === 4 ? addressNumber(bytes) : -1)) as [number, number];
  return start < 0 || end < 0 || start > end ? undefined : [start, end];
}

function rangeLine(cf: ConfContext, geo: Geo, ranges: RangeMap, key: string, value: string): string | undefined {
  if (key === 'default') {
    if (geo.fallback !== undefined) {
      cf.warn(`duplicate default geo range value: "${value}", old value: "${geo.fallback}"`);
    }
    geo.fallback = value;
    return undefined;
  }
  const text = key === 'delete' ? value : key;
  const range = parseRange(text);
  if (range === undefined) return `invalid range "${text}"`;
  if (key === 'delete') {
    if (!ranges.delete(...range)) cf.warn(`no address range "${text}" to delete`);
    return undefined;
  }
  let wrong: string | undefined;
  ranges.add(...range, value, (conflict) => {
    if (conflict.kind === 'overlap') wrong = `range "${text}" overlaps "${conflict.with}"`;
    else cf.warn(`duplicate range "${text}", value: "${value}", old value: "${conflict.old}"`);
  });
  return wrong;
}

function setGeo(cf: ConfContext, _conf: object, args: readonly string[]): string | undefined {
  const names = args.map((arg) => {
    if (!arg.startsWith('$')) throw cf.error(`invalid variable name "${arg}"`);
    return arg.slice(1);
  });
  const source = names.length === 2 ? getVariableIndex(httpOf(cf), names[0] as string) : -1;
  const variable = addVariable(cf, { name: names[names.length - 1] as string, changeable: true });
  const geo = new Geo(source);
  let volatile = false;
  cf.eachPair(({ words }) => {
    if (words.length === 1) {
      switch (words[0]) {
        case 'ranges':
          if (geo.hasNetworks) return 'the "ranges" directive must be the first directive inside "geo" block';
          geo.ranges ??= new RangeMap();
          return undefined;
        case 'proxy_recursive':
          geo.recursive = true;
          return undefined;
        case 'volatile':
          volatile = true;
          return undefined;
      }
    }
    if (words.length !== 2) return 'invalid number of the geo parameters';
    const [key, value] = words as [string, string];
    if (key === 'proxy') {
      geo.proxies.push(parseNetwork(cf, value));
      return undefined;
    }
    return geo.ranges === undefined ? networkLine(cf, geo, key, value) : rangeLine(cf, geo, geo.ranges, key, value);
  });
  if (volatile) variable.noCacheable = true;
  variable.get = geoVariable;
  variable.data = geo;
  return undefined;
}

const directives: readonly Directive<object>[] = [
  {
    name: 'geo',
    contexts: ['http'],
    args: [1, 2],
    block: 'pairs',
    level: 'main',
    doc: "A variable whose value depends on the client's address, or on another one.",
    set: setGeo,
  },
];

export const geoModule = httpModule<object, object, object>({
  name: 'ngx_http_geo_module',
  directives,
  createMain: () => ({}),
});
