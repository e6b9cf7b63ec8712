// cjson.decode for texts that are not plain JSON: comments, numbers that only strtod takes, and errors.
//
// It reads as lua-cjson does, token by token, and is where all messages come from. The fast parser (decode.ts) hands
// it the whole text as soon as it meets something that it does not expect.

import { LuaTable } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { type CjsonConfig, HARD_DEPTH, JsonFailure } from './config.ts';
import { readNumber, readString, readToken, skipSpace } from './token.ts';

/** The value of a JSON text, as lua-cjson reads it. Throws JsonFailure. */
export function decodeLeniently(config: CjsonConfig, text: string): LuaValue {
  const parser = new Parser(config, text);
  const value = parser.value();
  parser.end();
  return value;
}

class Parser {
  readonly #config: CjsonConfig;
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(config: CjsonConfig, text: string) {
    this.#config = config;
    this.#text = text;
  }

  /** A zero byte counts as the end, as the text is a C string to lua-cjson. */
  end(): void {
    if (this.#next() !== '\0') this.#unexpected('the end');
  }

  value(): LuaValue {
    const c = this.#next();
    if (c === '"') return this.#string('value');
    if (c === '{') return this.#object();
    if (c === '[') return this.#array();
    if (this.#skip('true')) return true;
    if (this.#skip('false')) return false;
    if (this.#skip('null')) return NULL;
    const number = readNumber(this.#config, this.#text, this.#at);
    if (number === undefined) this.#unexpected('value');
    this.#at = number.end;
    return number.value;
  }

  #array(): LuaTable {
    this.#at++;
    this.#descend();
    const t = new LuaTable();
    if (this.#config.decodeArrayWithArrayMt) t.metatable = this.#config.arrayMt;
    if (this.#next() !== ']') {
      for (;;) {
        t.push(this.value());
        const c = this.#next();
        if (c === ']') break;
        if (c !== ',') this.#unexpected('comma or array end');
        this.#at++;
      }
    }
    this.#at++;
    this.#depth--;
    return t;
  }

  #object(): LuaTable {
    this.#at++;
    this.#descend();
    const t = new LuaTable();
    if (this.#next() !== '}') {
      for (;;) {
        if (this.#next() !== '"') this.#unexpected('object key string');
        const key = this.#string('object key string');
        if (this.#next() !== ':') this.#unexpected('colon');
        this.#at++;
        t.set(key, this.value());
        const c = this.#next();
        if (c === '}') break;
        if (c !== ',') this.#unexpected('comma or object end');
        this.#at++;
      }
    }
    this.#at++;
    this.#depth--;
    return t;
  }

  #string(wanted: string): string {
    const string = readString(this.#text, this.#at + 1);
    if (string.error !== undefined) this.#unexpected(wanted);
    this.#at = string.end;
    return string.value;
  }

  #descend(): void {
    this.#depth++;
    if (this.#depth > this.#config.decodeMaxDepth || this.#depth > HARD_DEPTH)
      throw new JsonFailure(`Found too many nested data structures (${this.#depth}) at character ${this.#at}`);
  }

  /** Skips white space and comments; the character there, a zero byte at the end. */
  #next(): string {
    this.#at = skipSpace(this.#config, this.#text, this.#at);
    return this.#text[this.#at] ?? '\0';
  }

  #skip(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #unexpected(wanted: string): never {
    const token = readToken(this.#config, this.#text, this.#at);
    throw new JsonFailure(`Expected ${wanted} but found ${token.name} at character ${token.at + 1}`);
  }
}
