/** `split_clients`: a variable that divides clients by percentages. nginx: src/http/modules/ngx_http_split_clients_module.c. */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { parseFixedPoint } from '../../conf/units.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';
import { addVariable } from '../variables.ts';

/** Percentages have two decimals: 10000 of them are everybody. */
const EVERYBODY = 10000;

interface Part {
  /** In hundredths of a percent; 0 for the rest. */
  readonly percent: number;
  readonly value: string;
}

class Split {
  readonly #source: ComplexValue;
  readonly parts: Part[] = [];
  /** For each part the first hash that is beyond it; 0 for the rest. */
  #ends: readonly number[] = [];

  constructor(source: ComplexValue) {
    this.#source = source;
  }

  /** Turns percentages into ranges of the hash. Returns what is wrong with them. */
  close(): string | undefined {
    let sum = 0;
    let last = 0;
    const ends: number[] = [];
    for (const { percent } of this.parts) {
      sum = percent === 0 ? EVERYBODY : sum + percent;
      if (sum > EVERYBODY) return 'percent total is greater than 100%';
      if (percent === 0 || sum === EVERYBODY) {
        ends.push(0);
        continue;
      }
      last += Math.floor((percent * 0xffffffff) / EVERYBODY);
      ends.push(last);
    }
    this.#ends = ends;
    return undefined;
  }

  find(r: HttpRequest): string {
    const hash = murmurHash2(this.#source.evaluate(r));
    for (let i = 0; i < this.parts.length; i++) {
      const end = this.#ends[i] as number;
      if (end === 0 || hash < end) return (this.parts[i] as Part).value;
    }
    return '';
  }
}

/** MurmurHash2 (Austin Appleby) of a byte string, unsigned 32 bits, seed 0. */
function murmurHash2(text: string): number {
  const factor = 0x5bd1e995;
  const length = text.length;
  let hash = length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let word =
      text.charCodeAt(i) |
      (text.charCodeAt(i + 1) << 8) |
      (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24);
    word = Math.imul(word, factor);
    word = Math.imul(word ^ (word >>> 24), factor);
    hash = Math.imul(hash, factor) ^ word;
  }
  if (i < length) {
    for (let shift = 0, n = i; n < length; n++, shift += 8) hash ^= text.charCodeAt(n) << shift;
    hash = Math.imul(hash, factor);
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function splitVariable(r: HttpRequest, data: unknown): string {
  return (data as Split).find(r);
}

function setSplitClients(cf: ConfContext, _conf: object, args: readonly string[]): string | undefined {
  const [source, target] = args as [string, string];
  const split = new Split(compileComplexValue(cf, source));
  if (!target.startsWith('$')) return `invalid variable name "${target}"`;
  const variable = addVariable(cf, { name: target.slice(1), changeable: true });
  variable.get = splitVariable;
  variable.data = split;
  cf.eachPair(({ words }) => {
    const [share, value] = words as [string, string | undefined];
    const percent = share === '*' ? 0 : share.endsWith('%') ? parseFixedPoint(share.slice(0, -1), 2) : undefined;
    if (percent === undefined || (percent === 0 && share !== '*')) return `invalid percent value "${share}"`;
    if (value === undefined) return `no value for "${share}" in "split_clients"`;
    split.parts.push({ percent, value });
    return undefined;
  });
  return split.close();
}

const directives: readonly Directive<object>[] = [
  {
    name: 'split_clients',
    contexts: ['http'],
    args: 2,
    block: 'pairs',
    level: 'main',
    doc: 'A variable whose value is chosen by a hash of a string, each value for a percentage of all strings.',
    set: setSplitClients,
  },
];

export const splitClientsModule = httpModule<object, object, object>({
  name: 'ngx_http_split_clients_module',
  directives,
  createMain: () => ({}),
});
