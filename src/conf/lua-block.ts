/**
 * Finds the end of a `*_by_lua_block {`: the matching brace that is not inside a Lua string, a long bracket or a
 * comment. As ngx_lua does it (ngx_http_lua_conf_read_lua_token in src/ngx_http_lua_directive.c), including what its
 * buffer of 4096 bytes cannot hold; the tokens are those of its generated lexer (util/gen-lexer-c).
 */
import type { ConfError } from './error.ts';
import type { Lexer } from './lexer.ts';
import { BUFFER_SIZE } from './window.ts';

/** The tokens that matter, in the lexer's order: the leftmost match wins, then the first in this list. */
const TOKEN = /[{}]|(--)?\[=*\[|\]=*\]|--[^\n]*|"(?:\\[^\n]|[^"\n\\])*"|'(?:\\[^\n]|[^'\n\\])*'/g;

/** Source between the braces, and the line of the opening one. */
export interface LuaSource {
  readonly code: string;
  readonly line: number;
}

function countLines(text: string, from: number, to: number): number {
  let n = 0;
  for (let i = text.indexOf('\n', from); i !== -1 && i < to; i = text.indexOf('\n', i + 1)) n++;
  return n;
}

/**
 * Reads the block whose `{` was just read.
 *
 * @param stream as ngx_stream_lua_module does, whose buffer handling and message differ a little
 * @throws ConfError with ngx_lua's messages when the block does not end
 */
export function readLuaBlock(lexer: Lexer, stream = false): LuaSource {
  const w = lexer.window;
  const text = w.text;
  const from = w.pos;
  const startLine = w.line;
  // Where a missing end is reported: the last opening brace seen, or the block's.
  let braceLine = startLine;
  let depth = 1;
  const enough = stream ? Math.floor(BUFFER_SIZE / 3) : BUFFER_SIZE / 2;

  const at = (line: number, message: string): ConfError => {
    w.line = line;
    return lexer.error(message);
  };

  while (depth > 0) {
    const start = w.pos;
    const line = w.line;
    let match: RegExpExecArray | null = null;
    let starved = w.pos >= w.end || (w.end - w.pos < enough && !w.complete);
    while (match === null) {
      if (starved) {
        if (w.complete) {
          throw at(braceLine, 'unexpected end of file, expecting terminating characters for lua code block');
        }
        if (w.end - start === BUFFER_SIZE) {
          throw at(line, 'too long lua code block, probably missing terminating characters');
        }
        w.refill(start);
      }
      // Only what is in the buffer can match: a comment may seem to end there.
      TOKEN.lastIndex = 0;
      match = TOKEN.exec(text.slice(w.pos, w.end));
      starved = true;
    }
    let tokenEnd = w.pos + match.index + match[0].length;
    if (match[0].length > 1 && match[0].endsWith('[') && (match[0].startsWith('[') || match[1] !== undefined)) {
      const tokenStart = w.pos + match.index;
      w.line += countLines(text, w.pos, tokenStart);
      w.pos = tokenStart;
      const closing = match[0].replace('--', '').replaceAll('[', ']');
      const found = text.indexOf(closing, tokenEnd);
      if (found === -1 || found + closing.length > w.end) {
        const message = `Lua code block missing the closing long bracket "${closing}"`;
        throw lexer.error(stream ? message : `${message}, the inlined Lua code may be too long`);
      }
      tokenEnd = found + closing.length;
    }
    w.line += countLines(text, w.pos, tokenEnd);
    w.pos = tokenEnd;
    if (match[0] === '{') {
      braceLine = w.line;
      depth++;
    } else if (match[0] === '}') {
      depth--;
    }
  }
  return { code: text.slice(from, w.pos - 1), line: startLine };
}
