/** `$modern_browser`, `$ancient_browser`, `$msie`: by User-Agent. nginx: src/http/modules/ngx_http_browser_module.c. */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import type { VariableSpec } from '../variables.ts';

/** How a kind of browser is recognised: by a word at or behind a position, with the version behind the word. */
interface Mark {
  readonly kind: string;
  readonly word: string;
  /** Where the search begins. */
  readonly from: number;
  /** From the word's beginning to the version. */
  readonly version: number;
}

// In the order in which they are tried: Opera pretends to be others.
const MARKS: readonly Mark[] = [
  { kind: 'opera', word: 'Opera', from: 0, version: 'Opera '.length },
  { kind: 'msie', word: 'MSIE ', from: 'Mozilla/4.0 (compatible; '.length, version: 'MSIE '.length },
  { kind: 'gecko', word: 'rv:', from: 'Mozilla/5.0 ('.length, version: 'rv:'.length },
  { kind: 'safari', word: 'Safari/', from: 'Mozilla/5.0 ('.length, version: 'Safari/'.length },
  { kind: 'konqueror', word: 'Konqueror/', from: 'Mozilla/5.0 (compatible; '.length, version: 'Konqueror/'.length },
];

/** Above all versions: Opera, when it is not listed, is recognised and never modern. */
const UNREACHABLE = 4001000000;

/** A modern browser: index in MARKS and the lowest version, as `versionNumber` has it. */
interface Modern {
  readonly mark: number;
  readonly version: number;
}

interface BrowserLocation {
  modern: readonly Modern[] | undefined;
  modernUnlisted: boolean;
  ancient: readonly string[] | undefined;
  netscape4: boolean;
  modernValue: string | undefined;
  ancientValue: string | undefined;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

/** `4.1.3` as 4010300: two digits each for up to four parts. */
function versionNumber(text: string): number {
  let version = 0;
  let scale = 1000000;
  for (const part of text.split('.')) {
    version += Number(part) * scale;
    scale = Math.floor(scale / 100);
  }
  return version;
}

/** Whether a listed browser is new enough; undefined when the agent is none of those listed. */
function isListedModern(agent: string, listed: readonly Modern[]): boolean | undefined {
  for (const { mark, version } of listed) {
    const { word, from, version: offset } = MARKS[mark] as Mark;
    if (from >= agent.length) continue;
    const at = agent.indexOf(word, from);
    if (at < 0 || at + offset >= agent.length) continue;
    const found = /^[0-9.]*/.exec(agent.slice(at + offset))?.[0] as string;
    return versionNumber(found) >= version;
  }
  return undefined;
}

function isModern(r: HttpRequest, conf: BrowserLocation): boolean {
  const agent = r.headersIn.list.get('user-agent');
  if (agent === undefined) return conf.modernUnlisted;
  if (conf.modern !== undefined) {
    const modern = isListedModern(agent, conf.modern);
    if (modern !== undefined) return modern;
    if (!conf.modernUnlisted) return false;
  }
  if (conf.netscape4 && agent.length > 'Mozilla/4.72 '.length && /^Mozilla\/[1-4]/.test(agent)) return false;
  if (conf.ancient?.some((word) => agent.includes(word)) === true) return false;
  return conf.modernUnlisted;
}

const variables: readonly VariableSpec[] = [
  { name: 'msie', changeable: true, get: (r) => (r.headersIn.msie ? '1' : '') },
  {
    name: 'modern_browser',
    changeable: true,
    get(r) {
      const conf = browserModule.location(r);
      return isModern(r, conf) ? (conf.modernValue as string) : '';
    },
  },
  {
    name: 'ancient_browser',
    changeable: true,
    get(r) {
      const conf = browserModule.location(r);
      return isModern(r, conf) ? '' : (conf.ancientValue as string);
    },
  },
];

function setModern(_cf: ConfContext, conf: BrowserLocation, args: readonly string[]): string | undefined {
  const [name, text] = args as [string, string | undefined];
  if (text === undefined) {
    if (name !== 'unlisted') return `no version of browser "${name}"`;
    conf.modernUnlisted = true;
    return undefined;
  }
  const mark = MARKS.findIndex(({ kind }) => kind === name.toLowerCase());
  if (mark < 0) return `unknown browser name "${name}"`;
  if (/[^0-9.]/.test(text)) return `invalid browser version "${text}"`;
  conf.modern = [...(conf.modern ?? []), { mark, version: versionNumber(text) }];
  return undefined;
}

function setAncient(_cf: ConfContext, conf: BrowserLocation, args: readonly string[]): undefined {
  for (const arg of args) {
    if (arg === 'netscape4') conf.netscape4 = true;
    else conf.ancient = [...(conf.ancient ?? []), arg];
  }
}

function merge(parent: BrowserLocation, conf: BrowserLocation): void {
  if (conf.modern === undefined && !conf.modernUnlisted) {
    conf.modern = parent.modern;
    conf.modernUnlisted = parent.modernUnlisted;
  }
  if (conf.modern !== undefined) {
    const listed = [...conf.modern];
    if (!listed.some(({ mark }) => mark === 0)) listed.push({ mark: 0, version: UNREACHABLE });
    conf.modern = listed.sort((a, b) => a.mark - b.mark);
  }
  if (conf.ancient === undefined && !conf.netscape4) {
    conf.ancient = parent.ancient;
    conf.netscape4 = parent.netscape4;
  }
  conf.modernValue ??= parent.modernValue ?? '1';
  conf.ancientValue ??= parent.ancientValue ?? '1';
}

/** The last one holds. */
function valueDirective(name: string, field: 'modernValue' | 'ancientValue', doc: string): Directive<BrowserLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    doc,
    defaultText: '1',
    set(_cf, conf, args) {
      conf[field] = args[0];
      return undefined;
    },
  };
}

const directives: readonly Directive<BrowserLocation>[] = [
  {
    name: 'modern_browser',
    contexts: CONTEXTS,
    args: [1, 2],
    level: 'location',
    doc: 'A kind of browser and the version from which it is modern, or `unlisted` for all others.',
    set: setModern,
  },
  {
    name: 'ancient_browser',
    contexts: CONTEXTS,
    args: { min: 1 },
    level: 'location',
    doc: 'Words in User-Agent that make a browser an ancient one.',
    set: setAncient,
  },
  valueDirective('modern_browser_value', 'modernValue', 'What $modern_browser is for a modern browser.'),
  valueDirective('ancient_browser_value', 'ancientValue', 'What $ancient_browser is for an ancient browser.'),
];

export const browserModule = httpModule<object, object, BrowserLocation>({
  name: 'ngx_http_browser_module',
  directives,
  variables,
  createLocation: () => ({
    modern: undefined,
    modernUnlisted: false,
    ancient: undefined,
    netscape4: false,
    modernValue: undefined,
    ancientValue: undefined,
  }),
  mergeLocation: merge,
});
