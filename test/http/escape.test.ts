import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EscapeKind, escapeUri, unescapeUri } from '../../src/http/escape.ts';

describe('escapeUri', () => {
  const cases: readonly (readonly [EscapeKind, string, string])[] = [
    ['uri', "/plain-path_~.:@!$&'()*+,;=", "/plain-path_~.:@!$&'()*+,;="],
    ['uri', '/a b"#%?<>\\^`{|}\x7f\xe9\n', '/a%20b%22%23%25%3F%3C%3E%5C%5E%60%7B%7C%7D%7F%E9%0A'],
    ['args', 'a&b+c;d=e', 'a%26b%2Bc%3Bd=e'],
    ['component', 'a/b:c-._~', 'a%2Fb%3Ac-._~'],
    ['html', `a'b"c&d`, 'a%27b%22c&d'],
    ['refresh', `a'b~c}d`, 'a%27b%7Ec}d'],
    ['memcached', 'a b%c/d"\x01', 'a%20b%25c/d"%01'],
  ];
  for (const [kind, text, expected] of cases) {
    it(`${kind}: ${JSON.stringify(text)}`, () => assert.equal(escapeUri(text, kind), expected));
  }
});

describe('unescapeUri', () => {
  it('decodes', () => {
    assert.equal(unescapeUri('/a%20b%e9%E9'), '/a b\xe9\xe9');
    assert.equal(unescapeUri('no escapes'), 'no escapes');
    assert.equal(unescapeUri('%zz%4x%'), 'zz');
  });
  it('stops at a question mark when that begins the arguments', () => {
    assert.equal(unescapeUri('/%41?%41'), '/A?A');
    assert.equal(unescapeUri('/%41?%41', 'uri'), '/A?%41');
    assert.equal(unescapeUri('/%3f%41', 'uri'), '/?%41');
  });
  it('keeps what a Location may not have', () => {
    assert.equal(unescapeUri('/%41%20%25%7e%e9', 'redirect'), '/A%20%25~%e9');
  });
});
