/**
 * Content types by file extension, and lists of content types such as `gzip_types`. nginx: ngx_http_core_types(),
 * ngx_http_set_content_type(), ngx_http_types_slot(), ngx_http_test_content_type().
 */
import type { ConfContext, ConfLevel, ContextName, Directive } from '../../conf/directive.ts';
import { type FieldOf, type SlotExtra, slot } from '../../conf/slots.ts';
import type { HttpRequest } from '../request.ts';
import type { CoreLocation } from './conf.ts';
import { coreModule } from './module.ts';

/** What stands when no block has `types`. */
export const DEFAULT_TYPES: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html'],
  ['gif', 'image/gif'],
  ['jpg', 'image/jpeg'],
]);

function readTypes(cf: ConfContext, location: CoreLocation): undefined {
  const types = new Map(location.types ?? []);
  cf.eachPair(({ words }) => {
    const type = words[0] as string;
    if (type === 'include') return 'invalid number of arguments in "include" directive';
    for (const word of words.slice(1)) {
      const extension = word.toLowerCase();
      const before = types.get(extension);
      types.set(extension, type);
      if (before !== undefined) {
        cf.warn(`duplicate extension "${extension}", content type: "${type}", previous content type: "${before}"`);
      }
    }
    return undefined;
  });
  location.types = types;
}

export const typesDirective: Directive<CoreLocation> = {
  name: 'types',
  contexts: ['http', 'server', 'location'],
  args: 0,
  block: 'pairs',
  level: 'location',
  doc: 'Which content type the files with an extension have.',
  defaultText: 'text/html html; image/gif gif; image/jpeg jpg;',
  set: readTypes,
};

/** Gives the response the type of the URI's extension, unless it has one. */
export function setContentType(r: HttpRequest): void {
  if (r.headersOut.contentType !== '') return;
  const location = coreModule.location(r);
  let type: string | undefined;
  if (r.exten !== '') type = location.types.get(r.exten) ?? location.types.get(r.exten.toLowerCase());
  type ??= location.defaultType;
  r.headersOut.contentType = type;
  // Whole, also when the configuration gives it parameters.
  r.headersOut.contentTypeKey = type.includes(';') ? type.toLowerCase() : '';
}

/** A list of content types; '*' stands for all of them. */
export type TypeList = ReadonlySet<string> | '*';

/**
 * A directive that lists content types. The first of `defaults` is always among them.
 * @param defaults types that stand when the directive does not
 */
export function typesSlot<C>(
  name: string,
  contexts: readonly ContextName[],
  level: ConfLevel,
  field: FieldOf<C, TypeList>,
  defaults: readonly string[],
  extra?: string | SlotExtra<C, TypeList>,
): Directive<C> {
  return slot<C, TypeList>({
    name,
    contexts,
    args: { min: 1 },
    level,
    field,
    default: new Set(defaults),
    parse(cf, args) {
      const types = new Set<string>(defaults.slice(0, 1));
      for (const arg of args) {
        if (arg === '*') return '*';
        const type = arg.toLowerCase();
        if (types.has(type)) cf.warn(`duplicate MIME type "${type}"`);
        types.add(type);
      }
      return types;
    },
    combine(before, value) {
      return before === '*' || value === '*' ? '*' : new Set([...before, ...value]);
    },
    ...(extra === undefined ? {} : { extra }),
  });
}

/** Whether the response's type is in a list. */
export function testContentType(r: HttpRequest, types: TypeList): boolean {
  if (types === '*') return true;
  const out = r.headersOut;
  if (out.contentType === '') return false;
  if (out.contentTypeKey === '') {
    const semicolon = out.contentType.indexOf(';');
    out.contentTypeKey = (semicolon < 0 ? out.contentType : out.contentType.slice(0, semicolon)).trim().toLowerCase();
  }
  return types.has(out.contentTypeKey);
}
