// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of ngx.re.sub look like that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegexCache } from '../../src/regex/cache.ts';
import { parseOptions } from '../../src/regex/options.ts';
import { namedCapture, RegexFunctions } from '../../src/regex/replace.ts';

function functions(matchLimit = 0): { re: RegexFunctions; log: string[] } {
  const log: string[] = [];
  return { re: new RegexFunctions(1024, matchLimit, (text) => log.push(text)), log };
}

test('option letters are read, unknown ones raise', () => {
  assert.deepEqual(parseOptions('jos'), { regex: { jit: true, dotall: true }, once: true, dupNames: false });
  assert.deepEqual(parseOptions('UD').regex, { utf: true, noUtfCheck: true, dupNames: true });
  assert.throws(() => parseOptions('oH'), { message: 'unknown flag "H" (flags "oH")' });
});

test('match gives captures, the next position and errors', () => {
  const { re } = functions();
  const regex = re.match('hello, 1234', '([0-9])([0-9]+)(x)?')!;
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => regex.group(i)),
    ['1234', '1', '234', undefined],
  );
  assert.equal(regex.end + 1, 12);
  assert.equal(re.match('1234, hello', '([0-9]+)', '', 3)!.group(1), '34');
  assert.equal(re.match('1234', '[a-z]'), null);
  assert.equal(re.error, undefined);
  assert.equal(re.match('x', '(abc'), null);
  assert.equal(re.error, 'pcre2_compile() failed: missing closing parenthesis in "(abc"');
  assert.equal(re.match('\xe4\xbd\xa0\xe5', '\xe4\xbd\xa0\xe5\xa5\xbd', 'u'), null);
  assert.equal(re.error, 'pcre_exec() failed: -4');
  assert.equal(re.match('abc', 'a', '', 9), null);
  assert.equal(re.error, 'pcre_exec() failed: -33');
  assert.equal(re.match('hello', 'he|hell', 'd')!.group(0), 'hell');
});

test('named captures follow the D letter', () => {
  const { re } = functions();
  const one = re.match('hello, world', '(world)|(hello)|(?<named>howdy)')!;
  assert.equal(namedCapture(one, one.names.get('named')!, false), false);
  const two = re.match('hello, 1234', '(?<first>[a-z]+), (?<first>[0-9]+)', 'D')!;
  assert.deepEqual(namedCapture(two, two.names.get('first')!, true), ['hello', '1234']);
  const three = re.match('test', '^(?:(?<a>foo)|(?<b>bar)|(?<c>test))$', 'D')!;
  assert.equal(namedCapture(three, three.names.get('a')!, true), undefined);
});

test('find gives bytes of the whole match or of a group', () => {
  const { re } = functions();
  assert.ok(re.find('hello, 1234', '([0-9])([0-9]+)', 'jo'));
  assert.deepEqual([re.from, re.to], [8, 11]);
  assert.ok(re.find('hello, 1234', '([0-9])([0-9]+)', 'jo', 1, 2));
  assert.deepEqual([re.from, re.to], [9, 11]);
  assert.ok(re.find('hello, 1234', '([0-9])|(hello world)', 'jo', 1, 2));
  assert.deepEqual([re.from, re.to, re.error], [-1, -1, undefined]);
  assert.ok(re.find('hello, 1234', '([0-9])', 'jo', 1, 4));
  assert.equal(re.error, 'nth out of bound');
  assert.ok(re.find('1234, hello', '(\\G[0-9]+)', '', 3));
  assert.deepEqual([re.from, re.to], [3, 4]);
});

test('gmatch steps over empty matches and ends', () => {
  const { re } = functions();
  const starts = (subject: string, pattern: string, letters = '') => {
    const matches = re.gmatch(subject, pattern, letters)!;
    const out: number[] = [];
    while (matches.next()) out.push(matches.regex.start);
    assert.equal(matches.next(), false);
    return out;
  };
  assert.deepEqual(starts('hello', 'a|'), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(starts('12 hello 34', '[0-9]', 'a'), [0, 1]);
  assert.deepEqual(starts('', 'x'), []);
  const bad = re.gmatch('\xe4\xbd\xa0\xe5', '.', 'u')!;
  assert.equal(bad.next(), false);
  assert.equal(bad.error, 'pcre_exec() failed: -4');
});

test('sub and gsub replace by template', () => {
  const { re, log } = functions();
  const gsub = (subject: string, pattern: string, template: string) => [
    re.sub(subject, pattern, template, '', true),
    re.count,
  ];
  assert.deepEqual(gsub('hello, world', '([a-z])[a-z]+', '[$0,$1]'), ['[hello,h], [world,w]', 2]);
  assert.deepEqual(gsub('hello', 'a|', 'b'), ['bhbeblblbob', 6]);
  assert.deepEqual(gsub('abcd', 'a|(?=c)', '.'), ['.b.cd', 2]);
  assert.deepEqual(gsub('', 'a|', 'b'), ['b', 1]);
  assert.deepEqual(gsub('a.b', '\\.', '$$${0}$9'), ['a$.b', 1]);
  assert.equal(re.sub('a b c d', '(b) (c)', '[$0] [$1] [${2}] [$3]'), 'a [b c] [b] [c] [] d');
  assert.equal(re.sub('abc', 'x', 'y'), 'abc');
  assert.equal(re.count, 0);
  assert.equal(re.sub('b c d', '(b) (c)', '[${134'), null);
  assert.equal(re.error, 'failed to compile the replacement template');
  assert.equal(re.sub('b', 'b', 'x$'), null);
  assert.equal(re.sub('b', '(?<first>b)', '${first}'), null);
  assert.deepEqual(log, [
    'the closing bracket in "134" variable is missing',
    'lua script: invalid capturing variable name found in "x$"',
    'attempt to use named capturing variable "first" (named captures not supported yet)',
  ]);
});

test('sub and gsub replace by function, which may match itself', () => {
  const { re } = functions();
  const swap = re.sub(
    'key=value&a=b',
    '(\\w+)=(\\w+)',
    (regex) => {
      const [name, value] = [regex.group(1)!, regex.group(2)!];
      re.match('other=thing', '(\\w+)=(\\w+)', 'o');
      return value + '=' + name;
    },
    'o',
    true,
  );
  assert.equal(swap, 'value=key&b=a');
  assert.equal(re.count, 2);
});

test('the match limit is the one configured', () => {
  const { re } = functions(3000);
  assert.equal(re.match('a'.repeat(24) + '!', '^(a+)+$', 'o'), null);
  assert.equal(re.error, 'pcre_exec() failed: -47');
  assert.ok(re.match('This is <x> <y>', '<.*>', 'd'));
});

test('the cache keeps what is asked for once, up to its size', () => {
  const cache = new RegexCache(2, 0);
  const get = (pattern: string, once = true) => cache.get(pattern, 'o', { caseless: true }, once);
  const a = get('a');
  assert.equal(get('a'), a);
  assert.notEqual(get('a', false), a);
  const b = get('b');
  assert.equal(get('a'), a);
  get('c');
  assert.equal(get('a'), a);
  assert.notEqual(get('b'), b);
});

test('the JIT stack size cannot change once a pattern is kept', () => {
  const { re } = functions();
  re.setJitStackSize(128 * 1024);
  re.match('a', 'a', 'o');
  assert.throws(() => re.setJitStackSize(1), {
    message: 'changing jit stack size is not allowed when some regexs have already been compiled and cached',
  });
});
