/**
 * Whether a configuration says `daemon off`, found out without loading it: the launcher of a daemon has nothing else
 * to do with the configuration and must be quick. When the file cannot be read or is wrong the answer is on: the
 * daemon-to-be finds that out itself and says so.
 */
import { readFileSync } from 'node:fs';
import { glob, isPattern } from '../conf/glob.ts';
import { Lexer } from '../conf/lexer.ts';
import { readLuaBlock } from '../conf/lua-block.ts';

const MAX_DEPTH = 10;

/** @param confPrefix where relative includes are looked for; ends with a slash */
export function daemonDirective(globals: string, confFile: string, confPrefix: string): boolean {
  try {
    return (
      ofText('command line', globals, confPrefix, 0) ??
      ofText(confFile, readFileSync(confFile, 'latin1'), confPrefix, 0) ??
      true
    );
  } catch {
    return true;
  }
}

/** The value in one file and its includes, undefined when it is not there. */
function ofText(file: string, text: string, confPrefix: string, depth: number): boolean | undefined {
  if (depth > MAX_DEPTH || !/\b(?:daemon|include)\b/.test(text)) return undefined;
  const lexer = new Lexer(file, text);
  let value: boolean | undefined;
  for (;;) {
    const end = lexer.readStatement();
    if (end === 'end' || end === '}') return value;
    const [name, argument] = lexer.words;
    if (end === '{') {
      skipBlock(lexer);
    } else if (name === 'daemon') {
      value = argument?.toLowerCase() !== 'off';
    } else if (name === 'include' && argument !== undefined) {
      const path = argument.startsWith('/') ? argument : confPrefix + argument;
      for (const included of isPattern(path) ? glob(path) : [path]) {
        value = ofText(included, readFileSync(included, 'latin1'), confPrefix, depth + 1) ?? value;
      }
    }
  }
}

function skipBlock(lexer: Lexer): void {
  if (lexer.words[0]!.endsWith('_by_lua_block')) {
    readLuaBlock(lexer);
    return;
  }
  for (;;) {
    const end = lexer.readStatement();
    if (end === '}' || end === 'end') return;
    if (end === '{') skipBlock(lexer);
  }
}
