/** What the slot makers store, refuse and inherit. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfContext, Directive } from '../../src/conf/directive.ts';
import {
  accessSlot,
  type Buffers,
  bitmaskSlot,
  bufsSlot,
  complexSlot,
  enumSlot,
  flagSlot,
  initSlots,
  type KeyValue,
  keyvalSlot,
  mergeSlots,
  msecSlot,
  numBounds,
  numSlot,
  offSlot,
  predicateSlot,
  secSlot,
  sizeSlot,
  strArraySlot,
  strSlot,
} from '../../src/conf/slots.ts';

interface Conf {
  flag?: boolean;
  num?: number;
  size?: number;
  off?: number;
  msec?: number;
  sec?: number;
  str?: string;
  kind?: 'a' | 'b';
  mask?: number;
  list?: readonly string[];
  pairs?: readonly KeyValue[];
  bufs?: Buffers;
  mode?: number;
  complex?: { text: string };
  predicates?: readonly string[];
  main?: number;
}

const LOC = ['http', 'server', 'location'] as const;
const directives: readonly Directive<Conf>[] = [
  flagSlot('flag', LOC, 'location', 'flag', true),
  numSlot('num', LOC, 'location', 'num', 7, { post: numBounds(2, 9) }),
  sizeSlot('size', LOC, 'location', 'size', 1024),
  offSlot('off', LOC, 'location', 'off', 0),
  msecSlot('msec', LOC, 'location', 'msec', 60000),
  secSlot('sec', LOC, 'location', 'sec', 60),
  strSlot('str', LOC, 'location', 'str', undefined),
  enumSlot<Conf, 'a' | 'b'>('kind', LOC, 'location', 'kind', { a: 'a', b: 'b' }, 'a'),
  bitmaskSlot('mask', LOC, 'location', 'mask', { x: 1, y: 2, z: 4 }, 1),
  strArraySlot('list', LOC, 'location', 'list', ['d']),
  keyvalSlot('pairs', LOC, 'location', 'pairs', undefined),
  bufsSlot('bufs', LOC, 'location', 'bufs', { num: 4, size: 8 }),
  accessSlot('mode', LOC, 'location', 'mode', 0o600),
  complexSlot<Conf, { text: string }>('complex', LOC, 'location', 'complex', (_cf, text) => ({ text }), undefined),
  predicateSlot<Conf, string>('predicates', LOC, 'location', 'predicates', (_cf, text) => text, undefined),
  numSlot('main', ['http'], 'main', 'main', 5),
];

const warnings: string[] = [];
function set(conf: Conf, name: string, ...args: string[]): string | undefined {
  const directive = directives.find((d) => d.name === name)!;
  const cf = { name, warn: (message: string) => warnings.push(message) } as unknown as ConfContext;
  return directive.set(cf, conf, args);
}

describe('slots', () => {
  it('store typed values', () => {
    const conf: Conf = {};
    set(conf, 'flag', 'OFF');
    set(conf, 'num', '3');
    set(conf, 'size', '1k');
    set(conf, 'off', '1g');
    set(conf, 'msec', '5s');
    set(conf, 'sec', '5m');
    set(conf, 'str', '');
    set(conf, 'kind', 'B');
    set(conf, 'mask', 'x', 'Z');
    set(conf, 'list', 'one');
    set(conf, 'list', 'two');
    set(conf, 'pairs', 'k', 'v');
    set(conf, 'bufs', '8', '4k');
    set(conf, 'mode', 'group:rw', 'all:r');
    set(conf, 'complex', '$x');
    set(conf, 'predicates', 'a', 'b');
    set(conf, 'predicates', 'c');
    assert.deepEqual(conf, {
      flag: false,
      num: 3,
      size: 1024,
      off: 2 ** 30,
      msec: 5000,
      sec: 300,
      str: '',
      kind: 'b',
      mask: 5,
      list: ['one', 'two'],
      pairs: [{ key: 'k', value: 'v' }],
      bufs: { num: 8, size: 4096 },
      mode: 0o664,
      complex: { text: '$x' },
      predicates: ['a', 'b', 'c'],
    });
    for (const name of ['flag', 'num', 'size', 'off', 'msec', 'sec', 'str', 'kind', 'bufs', 'mode', 'complex']) {
      assert.equal(set(conf, name, 'on', '1'), 'is duplicate', name);
    }
  });

  it('refuse with nginx’s texts', () => {
    assert.equal(set({}, 'flag', '1'), 'invalid value "1" in "flag" directive, it must be "on" or "off"');
    assert.equal(set({}, 'num', 'x'), 'invalid number');
    assert.equal(set({}, 'num', '1'), 'value must be between 2 and 9');
    assert.equal(set({}, 'size', '1g'), 'invalid value');
    assert.equal(set({}, 'msec', '1y'), 'invalid value');
    assert.equal(set({}, 'kind', 'c'), 'invalid value "c"');
    assert.equal(set({}, 'kind', 'constructor'), 'invalid value "constructor"');
    assert.equal(set({}, 'mask', 'x', 'w'), 'invalid value "w"');
    assert.equal(set({}, 'bufs', '0', '4k'), 'invalid value');
    assert.equal(set({}, 'mode', 'user:w'), 'invalid value "user:w"');
    warnings.length = 0;
    assert.equal(set({}, 'mask', 'x', 'x'), undefined);
    assert.deepEqual(warnings, ['duplicate value "x"']);
  });

  it('permissions of the owner', () => {
    const conf: Conf = {};
    set(conf, 'mode', 'user:r');
    assert.equal(conf.mode, 0o400);
  });

  it('inherit what is not set, or take the default', () => {
    const http: Conf = { num: 3, str: 'up', list: ['a'] };
    const server: Conf = { num: 4, flag: false };
    mergeSlots(directives, 'location', http, server);
    assert.equal(server.num, 4);
    assert.equal(server.str, 'up');
    assert.deepEqual(server.list, ['a']);
    assert.equal(server.flag, false);
    assert.equal(server.size, 1024);
    assert.equal(server.main, undefined);
    const location: Conf = { list: ['b'] };
    mergeSlots(directives, 'location', server, location);
    assert.equal(location.flag, false);
    assert.equal(location.num, 4);
    assert.deepEqual(location.list, ['b']);
    const main: Conf = {};
    initSlots(directives, 'main', main);
    assert.deepEqual(main, { main: 5 });
  });
});
