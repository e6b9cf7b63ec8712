// The strings of string captures.

import { parseTemplate, type Template } from '../template.ts';

const known = new Map<string, Template>();

/** A string of a string capture, taken apart once. */
export function templateOf(text: string): Template {
  let template = known.get(text);
  if (template === undefined) {
    if (known.size >= 200) known.clear();
    template = parseTemplate(text);
    known.set(text, template);
  }
  return template;
}
