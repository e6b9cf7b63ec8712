/** Statements and words; what nginx says to broken ones is in broken.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lexer, unescapeWord } from '../../src/conf/lexer.ts';

function statements(text: string): [string[], string, number][] {
  const lexer = new Lexer('/x.conf', text);
  const all: [string[], string, number][] = [];
  for (;;) {
    const end = lexer.readStatement();
    if (end === 'end') return all;
    all.push([lexer.words, end, lexer.line]);
  }
}

describe('lexer', () => {
  it('splits statements', () => {
    assert.deepEqual(statements('a b;c{\nd "e f" \'g"\';}\n'), [
      [['a', 'b'], ';', 1],
      [['c'], '{', 1],
      [['d', 'e f', 'g"'], ';', 2],
      [[], '}', 2],
    ]);
  });

  it('keeps what only looks special', () => {
    assert.deepEqual(statements('if ($a = "b"){ }')[0], [['if', '($a', '=', 'b', ')'], '{', 1]);
    assert.deepEqual(statements('set $a b#c"d\'e}f;')[0]![0], ['set', '$a', 'b#c"d\'e}f']);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of nginx
    assert.deepEqual(statements('return 200 ${a}b$c;')[0]![0], ['return', '200', '${a}b$c']);
  });

  it('skips comments between words', () => {
    assert.deepEqual(statements('a # b; "c\n  d;# e'), [[['a', 'd'], ';', 2]]);
  });

  it('resolves escapes', () => {
    assert.equal(unescapeWord('a\\"b\\\'c\\\\d\\te\\rf\\ng\\x\\$'), 'a"b\'c\\d\te\rf\ng\\x\\$');
    assert.equal(unescapeWord('\\\\n'), '\\n');
    assert.deepEqual(statements('a "b\\"c" d\\;e;')[0]![0], ['a', 'b"c', 'd\\;e']);
  });

  it('reads words across the border of the buffer', () => {
    const words = Array.from({ length: 3000 }, (_, i) => `w${i}`);
    assert.deepEqual(statements(`${words.join(' ')};`)[0]![0], words);
  });
});
