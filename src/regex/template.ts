// Replacement templates of ngx.re.sub and gsub: `$1`, `${1}`, `$0` and `$$` (ngx_lua manual, ngx.re.sub). Parsed once,
// then joined for each match.
import type { Regex } from './regex.ts';

/** Texts and group numbers in turn. */
export type Template = readonly (string | number)[];

/** A template that cannot be parsed: the message is what ngx_lua writes to the error log, at level error. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}

/** What ngx.re.sub and gsub return as their error when the template is at fault. */
export const TEMPLATE_FAILED = 'failed to compile the replacement template';

const isDigit = (c: number) => c >= 0x30 && c <= 0x39;
const isWord = (c: number) => isDigit(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f;

/** Parses a template (a byte string). Throws TemplateError with the text for the error log. */
export function parseTemplate(source: string): Template {
  const parts: (string | number)[] = [];
  const invalid = () => new TemplateError(`lua script: invalid capturing variable name found in "${source}"`);
  let i = 0;
  while (i < source.length) {
    const dollar = source.indexOf('$', i);
    if (dollar !== i) {
      parts.push(source.slice(i, dollar < 0 ? undefined : dollar));
      if (dollar < 0) break;
    }
    i = dollar + 1;
    if (i === source.length) throw invalid();
    if (source[i] === '$') {
      parts.push('$');
      i++;
      continue;
    }
    let open = source[i] === '{';
    if (open && ++i === source.length) throw invalid();
    const isNumber = isDigit(source.charCodeAt(i));
    const start = i;
    while (i < source.length) {
      const c = source.charCodeAt(i);
      if (!(isNumber ? isDigit(c) : isWord(c))) break;
      i++;
    }
    const name = source.slice(start, i);
    if (open && source[i] === '}') {
      open = false;
      i++;
    }
    if (open) throw new TemplateError(`the closing bracket in "${name}" variable is missing`);
    if (name === '') throw invalid();
    if (!isNumber) {
      throw new TemplateError(`attempt to use named capturing variable "${name}" (named captures not supported yet)`);
    }
    parts.push(Number(name));
  }
  return parts;
}

/** The replacement for the match the regex holds; groups that are unset or do not exist are empty. */
export function expandTemplate(template: Template, regex: Regex): string {
  let out = '';
  for (let i = 0; i < template.length; i++) {
    const part = template[i]!;
    if (typeof part === 'string') out += part;
    else if (part <= regex.captureCount) out += regex.group(part) ?? '';
  }
  return out;
}
