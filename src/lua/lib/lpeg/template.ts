// The strings of string captures.

/** Literal parts with the number of a capture between two of them; 0 is the whole match. */
export interface Template {
  readonly parts: readonly string[];
  readonly slots: readonly number[];
}

const known = new Map<string, Template>();

/** Takes a string of a string capture apart: "%0" to "%9"; after "%" any other byte stands for itself. */
export function templateOf(text: string): Template {
  let template = known.get(text);
  if (template === undefined) {
    if (known.size >= 200) known.clear();
    template = parse(text);
    known.set(text, template);
  }
  return template;
}

function parse(text: string): Template {
  const parts: string[] = [];
  const slots: number[] = [];
  let literal = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      literal += text[i];
      continue;
    }
    const c = text.charCodeAt(++i);
    if (c >= 48 && c <= 57) {
      parts.push(literal);
      literal = '';
      slots.push(c - 48);
    } else literal += i < text.length ? text[i] : '\0'; // the zero byte behind a C string
  }
  parts.push(literal);
  return { parts, slots };
}
