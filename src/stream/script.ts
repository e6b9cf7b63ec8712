/** Complex values of stream: strings with `$variables` in them, compiled once. nginx: src/stream/ngx_stream_script.c. */
import type { ConfContext } from '../conf/directive.ts';
import { hasVariables, parseScript, type ScriptPart } from '../conf/script.ts';
import type { StreamSession } from './session.ts';
import { getIndexed, getVariableIndex } from './variables.ts';

export interface StreamValue {
  /** The text when it has no variables, else undefined. */
  readonly literal: string | undefined;
  /** As written in the configuration. */
  readonly text: string;
  /** A variable that is not found gives an empty string. */
  evaluate(s: StreamSession): string;
}

class Literal implements StreamValue {
  readonly literal: string;
  readonly text: string;

  constructor(text: string) {
    this.literal = text;
    this.text = text;
  }

  evaluate(): string {
    return this.literal;
  }
}

class Joined implements StreamValue {
  readonly literal = undefined;
  readonly text: string;
  readonly #parts: readonly ScriptPart[];

  constructor(text: string, parts: readonly ScriptPart[]) {
    this.text = text;
    this.#parts = parts;
  }

  evaluate(s: StreamSession): string {
    let value = '';
    for (const part of this.#parts) {
      if (part.kind === 'text') value += part.text;
      else if (part.kind === 'variable') value += getIndexed(s, part.index) ?? '';
      else if (part.kind === 'capture') value += s.captures?.[part.n] ?? '';
    }
    return value;
  }
}

/**
 * Compiles a string that may have variables.
 *
 * @throws ConfError for names that are none; unknown variables are found when the stream block has been read
 */
export function compileStreamValue(cf: ConfContext, text: string): StreamValue {
  if (!hasVariables(text)) return new Literal(text);
  return new Joined(
    text,
    parseScript(cf, text, (name) => getVariableIndex(cf, name)),
  );
}
