/**
 * Writes docs/modules/: a page for each module, made from its declarations. Usage: node --import tsx scripts/reference.ts
 * test/reference.test.ts compares the pages with what this makes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiModule } from '../src/api/module.ts';
import { MODULES } from '../src/cli/modules.ts';
import type { ArgumentRule, Directive } from '../src/conf/directive.ts';
import { coreModule } from '../src/conf/modules/core.ts';
import { errlogModule } from '../src/conf/modules/errlog.ts';
import { eventsModule } from '../src/conf/modules/events.ts';
import { regexModule } from '../src/conf/modules/regex.ts';
import { threadPoolModule } from '../src/conf/modules/thread-pool.ts';
import { luaModule } from '../src/hosts/lua/module.ts';
import { streamLuaModule } from '../src/hosts/lua/stream/module.ts';
import { typescriptModule } from '../src/hosts/typescript/module.ts';
import type { HttpModule } from '../src/http/module.ts';
import { httpModules } from '../src/http/modules/index.ts';
import type { StreamModule } from '../src/stream/module.ts';
import { streamModules } from '../src/stream/modules/index.ts';
import { streamSslModule } from '../src/stream-ssl/module.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
export const FOLDER: string = join(root, 'docs/modules');

interface Documented {
  readonly name: string;
  readonly directives?: readonly Directive<never>[];
  readonly variables?: HttpModule['variables'];
}

/** Source files by the module names that they declare. */
function sources(): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/\b(?:name:|OWNER =) '(\w+_module|ngx_\w+)'/g)) {
      // In folders of several files, the one with the directives opens with what the module is for.
      const main = join(entry.parentPath, 'module.ts');
      found.set(name as string, existsSync(main) ? main : path);
    }
  }
  return found;
}

/** The first comment of a file, as a paragraph. */
function opening(path: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  const [paragraph = ''] = comment
    .replace(/^ *\* ?/gm, '')
    .trim()
    .split(/\n\s*\n/);
  return paragraph
    .replaceAll('\n', ' ')
    .replace(/ nginx: [^.]*?\.c\.?$/, '')
    .trim();
}

function argumentsOf(rule: ArgumentRule): string {
  if (rule === 'flag') return 'on | off';
  if (typeof rule === 'number') return plural(rule);
  if (!Array.isArray(rule)) {
    const { min, max } = rule as { min: number; max?: number };
    return max === undefined ? `at least ${plural(min)}` : `${min} to ${plural(max)}`;
  }
  const counts = rule as readonly number[];
  const last = counts[counts.length - 1] as number;
  return counts.length === 1 ? plural(last) : `${counts.slice(0, -1).join(', ')} or ${plural(last)}`;
}

function plural(n: number): string {
  return n === 0 ? 'no arguments' : n === 1 ? '1 argument' : `${n} arguments`;
}

const BLOCKS = { conf: ', and a block', pairs: ', and a block of values', lua: ', and a block of Lua' } as const;

function directiveText(directive: Directive<never>): string {
  const { name, args, block, contexts, defaultText, doc } = directive;
  const facts = [
    `takes ${argumentsOf(args)}${block === undefined ? '' : BLOCKS[block]}`,
    `stands in ${contexts.join(', ')}`,
    ...(defaultText === undefined ? [] : [`default \`${defaultText}\``]),
  ];
  return `### ${name}\n\n${doc}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}

function page(module: Documented, description: string): string {
  const directives = [...(module.directives ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  const variables = (module.variables ?? [])
    .map(({ name, prefix }) => `\`$${name}${prefix === true ? 'NAME' : ''}\``)
    .sort();
  let text = `# ${module.name}\n\n`;
  if (description !== '') text += `${description}\n\n`;
  text += `<!-- Made by scripts/reference.ts from the module's declarations. -->\n\n`;
  if (directives.length > 0) text += `## Directives\n\n${directives.map(directiveText).join('\n')}\n`;
  if (variables.length > 0) text += `## Variables\n\n${variables.join(', ')}\n\n`;
  return `${text.trimEnd()}\n`;
}

/** Of the core modules, whose names are keys of the cycle. */
const CORE: readonly (readonly [string, string])[] = [
  ['core', 'src/conf/modules/core.ts'],
  ['errlog', 'src/conf/modules/errlog.ts'],
  ['events', 'src/conf/modules/events.ts'],
  ['regex', 'src/conf/modules/regex.ts'],
  ['thread_pool', 'src/conf/modules/thread-pool.ts'],
  ['http', 'src/http/block.ts'],
  ['stream', 'src/stream/block.ts'],
];

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  ngx_http_core_module: 'Servers, locations, requests, bodies, limits and files.',
  ngx_stream_core_module: 'Servers of plain TCP: where they listen, what holds for their sessions.',
};

/** All pages, by file name. */
export function pages(): Map<string, string> {
  const hosts = [luaModule, apiModule, typescriptModule] as unknown as readonly HttpModule[];
  const streamHosts = [streamSslModule, streamLuaModule] as unknown as readonly StreamModule[];
  const core = [coreModule, errlogModule, eventsModule, regexModule, threadPoolModule];
  const modules = [
    ...core,
    ...MODULES,
    ...httpModules(hosts),
    ...streamModules(streamHosts),
  ] as unknown as readonly Documented[];
  const files = new Map([...sources(), ...CORE]);
  const made = new Map<string, string>();
  let index = '# Modules\n\nWhat each module declares; the behaviour is that of the module of the same name.\n\n';
  index += '| module | directives | |\n|---|--:|---|\n';
  for (const module of [...modules].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const count = module.directives?.length ?? 0;
    if (count === 0 && (module.variables?.length ?? 0) === 0) continue;
    const path = files.get(module.name);
    const description = DESCRIPTIONS[module.name] ?? (path === undefined ? '' : opening(path));
    made.set(`${module.name}.md`, page(module, description));
    const [sentence = ''] = description.split(/(?<=\.) /);
    index += `| [${module.name}](${module.name}.md) | ${count} | ${sentence} |\n`;
  }
  made.set('README.md', index);
  return made;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of pages()) writeFileSync(join(FOLDER, name), text);
}
