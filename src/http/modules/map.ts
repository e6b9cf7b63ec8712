/** `map`: a variable whose value depends on others. nginx: src/http/modules/ngx_http_map_module.c. */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { numSlot } from '../../conf/slots.ts';
import { DECLINED, OK } from '../codes.ts';
import { WildcardNames } from '../core/server-name.ts';
import { httpModule } from '../module.ts';
import { compileHttpRegex, type HttpRegex } from '../regex.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';
import { addVariable, type VariableValue } from '../variables.ts';

interface MapMain {
  hashMaxSize: number;
  hashBucketSize: number;
}

/** One `map` block. */
class VariableMap {
  readonly #source: ComplexValue;
  /** Keys in lower case; with `hostnames`, also wildcards. */
  readonly names = new WildcardNames<ComplexValue>();
  readonly regexes: { readonly regex: HttpRegex; readonly value: ComplexValue }[] = [];
  fallback: ComplexValue | undefined = undefined;
  hostnames = false;

  constructor(source: ComplexValue) {
    this.#source = source;
  }

  find(r: HttpRequest): ComplexValue | undefined {
    let key = this.#source.evaluate(r);
    if (this.hostnames && key.endsWith('.')) key = key.slice(0, -1);
    const value = this.names.find(key.toLowerCase());
    if (value !== undefined) return value;
    if (key !== '') {
      for (const { regex, value } of this.regexes) {
        const rc = regex.exec(r, key);
        if (rc === OK) return value;
        if (rc !== DECLINED) break;
      }
    }
    return this.fallback;
  }
}

function mapVariable(r: HttpRequest, data: unknown): VariableValue {
  return (data as VariableMap).find(r)?.evaluate(r) ?? '';
}

function setMap(cf: ConfContext, _conf: MapMain, args: readonly string[]): string | undefined {
  const [source, target] = args as [string, string];
  const map = new VariableMap(compileComplexValue(cf, source));
  if (!target.startsWith('$')) return `invalid variable name "${target}"`;
  const variable = addVariable(cf, { name: target.slice(1), changeable: true });
  variable.get = mapVariable;
  variable.data = map;
  let volatile = false;
  cf.eachPair(({ words }) => {
    if (words.length === 1 && words[0] === 'hostnames') {
      map.hostnames = true;
      return undefined;
    }
    if (words.length === 1 && words[0] === 'volatile') {
      volatile = true;
      return undefined;
    }
    if (words.length !== 2) return 'invalid number of the map parameters';
    return addParameter(cf, map, words[0] as string, words[1] as string);
  });
  if (volatile) variable.noCacheable = true;
  return undefined;
}

function addParameter(cf: ConfContext, map: VariableMap, key: string, text: string): string | undefined {
  const value = compileComplexValue(cf, text);
  if (key === 'default') {
    if (map.fallback !== undefined) return 'duplicate default map parameter';
    map.fallback = value;
    return undefined;
  }
  if (key.startsWith('~')) {
    const caseless = key.startsWith('~*');
    map.regexes.push({ regex: compileHttpRegex(cf, key.slice(caseless ? 2 : 1), caseless), value });
    return undefined;
  }
  const name = (key.startsWith('\\') ? key.slice(1) : key).toLowerCase();
  const result = map.hostnames ? map.names.add(name, value) : map.names.addExact(name, value);
  if (result === 'invalid') return `invalid hostname or wildcard "${name}"`;
  return result === 'conflict' ? `conflicting parameter "${name}"` : undefined;
}

const directives: readonly Directive<MapMain>[] = [
  {
    name: 'map',
    contexts: ['http'],
    args: 2,
    block: 'pairs',
    level: 'main',
    doc: 'A variable whose value is looked up by the value of a string with variables.',
    set: setMap,
  },
  numSlot<MapMain>('map_hash_max_size', ['http'], 'main', 'hashMaxSize', 2048, 'Accepted; not needed.'),
  numSlot<MapMain>('map_hash_bucket_size', ['http'], 'main', 'hashBucketSize', 64, 'Accepted; not needed.'),
];

export const mapModule = httpModule<MapMain>({
  name: 'ngx_http_map_module',
  directives,
  createMain: () => ({ hashMaxSize: undefined, hashBucketSize: undefined }) as unknown as MapMain,
});
