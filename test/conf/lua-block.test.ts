/** Where a Lua block ends, and ngx_lua's messages when it does not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lexer } from '../../src/conf/lexer.ts';
import { readLuaBlock } from '../../src/conf/lua-block.ts';

function read(code: string): { code: string; line: number; rest: string; at: number } {
  const lexer = new Lexer('/x.conf', `\nl {${code}`);
  assert.equal(lexer.readStatement(), '{');
  const source = readLuaBlock(lexer);
  const rest: string[] = [];
  while (lexer.readStatement() === ';') rest.push(lexer.words.join(' '));
  return { ...source, rest: rest.join(), at: lexer.line };
}

function fails(code: string, message: string): void {
  assert.throws(() => read(code), { message });
}

describe('Lua blocks', () => {
  it('end at the matching brace', () => {
    assert.deepEqual(read(' ngx.say({{1}}) }\nnext;'), { code: ' ngx.say({{1}}) ', line: 2, rest: 'next', at: 3 });
  });

  it('do not count braces in strings and comments', () => {
    for (const code of [
      ' a = "}" ',
      " a = '}' .. '\\'}' ",
      ' a = "\\"}" ',
      ' a = [[ } ]] ',
      ' a = [==[ }]]]=] ]==] ',
      ' -- }\n ',
      ' --[[ }\n} ]] ',
      ' --[==[ ]] } ]==] ',
      ' a = [[ok--]] ',
      ' a = b[c[1]] ',
      ' ]=] ',
    ]) {
      assert.equal(read(`${code}}\nnext;`).code, code);
      assert.equal(read(`${code}}\nnext;`).rest, 'next');
    }
  });

  it('a quote without its partner on the line is no string', () => {
    assert.equal(read(" a = '}\n").code, " a = '");
  });

  it('count lines inside', () => {
    assert.equal(read('\n[[\n\n]] --\n"a" }\n').at, 7);
  });

  it('report a missing end at the last opening brace', () => {
    const end = 'unexpected end of file, expecting terminating characters for lua code block in /x.conf:';
    fails(' a', `${end}2`);
    fails('\n\n a = 1 \n', `${end}2`);
    fails('\n a = {\n{ }\n', `${end}4`);
  });

  it('report long brackets that do not close', () => {
    const missing = (bracket: string, line: number): string =>
      `Lua code block missing the closing long bracket "${bracket}", the inlined Lua code may be too long in /x.conf:${line}`;
    fails('\n [[ }\n', missing(']]', 3));
    fails('\n\n [==[ ]] }\n', missing(']==]', 4));
    fails(' --[=[ ]] }\n', missing(']=]', 2));
  });

  it('of the stream module have a message of their own', () => {
    const lexer = new Lexer('/x.conf', 'l {\n --[=[ }\n');
    lexer.readStatement();
    assert.throws(() => readLuaBlock(lexer, true), {
      message: 'Lua code block missing the closing long bracket "]=]" in /x.conf:2',
    });
  });

  it('are bound to the buffer as those of ngx_lua are', () => {
    const text = 'a'.repeat(4090);
    assert.throws(() => read(` x = [[${text}]] }\n`), /missing the closing long bracket "\]\]"/);
    assert.equal(read(` x = "${'a'.repeat(3000)}" y = "}${'a'.repeat(3000)}" }\n`).rest, '');
    assert.throws(() => read(`${'a'.repeat(4096)}\n }`), /too long lua code block, probably missing terminating/);
  });
});
