/** Numbers, sizes and times. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFixedPoint, parseHex, parseNumber, parseOffset, parseSize, parseTime } from '../../src/conf/units.ts';

describe('units', () => {
  it('numbers', () => {
    assert.equal(parseNumber('0'), 0);
    assert.equal(parseNumber('0012'), 12);
    assert.equal(parseNumber('9223372036854775807'), 2 ** 63);
    for (const wrong of ['', '-1', '+1', '1.0', ' 1', '1k', '0x1', '9223372036854775808']) {
      assert.equal(parseNumber(wrong), undefined, wrong);
    }
  });

  it('hexadecimal and fixed point', () => {
    assert.equal(parseHex('fF'), 255);
    assert.equal(parseHex(''), undefined);
    assert.equal(parseHex('g'), undefined);
    assert.equal(parseFixedPoint('10.5', 2), 1050);
    assert.equal(parseFixedPoint('1.', 2), 100);
    assert.equal(parseFixedPoint('1.555', 2), undefined);
    assert.equal(parseFixedPoint('1.5.5', 2), undefined);
  });

  it('sizes', () => {
    assert.equal(parseSize('10'), 10);
    assert.equal(parseSize('8k'), 8192);
    assert.equal(parseSize('1M'), 1048576);
    assert.equal(parseOffset('2G'), 2 * 1024 ** 3);
    for (const wrong of ['', 'k', '1g', '1kk', '-1k', '1 k', '9007199254740993k']) {
      assert.equal(parseSize(wrong), undefined, wrong);
    }
  });

  it('times', () => {
    const sec: [string, number | undefined][] = [
      ['30', 30],
      ['30s', 30],
      ['1h 30m', 5400],
      ['1h30m', 5400],
      ['1m 30', 90],
      ['1y 1M', 365 * 86400 + 30 * 86400],
      ['1w2d', 9 * 86400],
      [' 5', 5],
      ['1m ', 60],
      ['500ms', undefined],
      ['', undefined],
      [' ', undefined],
      ['h', undefined],
      ['1m 1h', undefined],
      ['1m1m', undefined],
      ['1x', undefined],
      ['-1', undefined],
      ['292471208678y', undefined],
    ];
    for (const [text, value] of sec) assert.equal(parseTime(text, 's'), value, `"${text}"`);
    const msec: [string, number | undefined][] = [
      ['30', 30000],
      ['500ms', 500],
      ['1s 500ms', 1500],
      ['1m30', 90000],
      ['1w', 7 * 86400 * 1000],
      ['1M', undefined],
      ['1y', undefined],
      ['1ms 1s', undefined],
      ['9223372036854775', 9223372036854775000],
      ['9223372036854776', undefined],
    ];
    for (const [text, value] of msec) assert.equal(parseTime(text, 'ms'), value, `"${text}"`);
  });
});
