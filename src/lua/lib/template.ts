// Replacement texts: of string.gsub, and the string captures of LPeg.

/** Literal parts with the number of a capture between two of them; 0 is the whole match. */
export interface Template {
  readonly parts: readonly string[];
  readonly slots: readonly number[];
}

/** Takes a replacement text apart: "%0" to "%9"; after "%" any other byte stands for itself. */
export function parseTemplate(text: string): Template {
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
    } else literal += i < text.length ? text[i] : '\0'; // LuaJIT and LPeg take the zero byte behind the string
  }
  parts.push(literal);
  return { parts, slots };
}
