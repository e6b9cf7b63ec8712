import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoName, errnoNumber, errnoSuffix, strerror } from '../../src/log/errno.ts';
import * as time from '../../src/log/time.ts';

test('the printed forms agree with the clock', () => {
  time.updateTime();
  const ms = time.currentMsec();
  assert.ok(Math.abs(ms - Date.now()) < 1000);
  assert.equal(time.currentSecond(), Math.floor(ms / 1000));
  const d = new Date(time.currentSecond() * 1000);
  assert.equal(Date.parse(time.httpTime()), d.getTime());
  assert.equal(Date.parse(time.iso8601Time()), d.getTime());
  assert.equal(Date.parse(time.localDateTime().replace(' ', 'T')), d.getTime());
  const log = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/.exec(time.accessLogTime())!;
  assert.equal(Date.parse(`${log[1]} ${log[2]} ${log[3]} ${log[4]} ${log[5]}`), d.getTime());
  assert.equal(time.msecText(), (ms / 1000).toFixed(3));
});

test('the clock moves by updateTime only', () => {
  time.updateTime();
  const before = time.currentMsec();
  while (Date.now() === before);
  assert.equal(time.currentMsec(), before);
  time.updateTime();
  assert.notEqual(time.currentMsec(), before);
});

test('dates', () => {
  assert.equal(time.formatHttpTime(1290079655), 'Thu, 18 Nov 2010 11:27:35 GMT');
  assert.equal(time.formatCookieTime(1290079655), 'Thu, 18-Nov-10 11:27:35 GMT');
  assert.equal(time.formatCookieTime(2547467999), 'Thu, 22-Sep-2050 13:59:59 GMT');
  assert.equal(time.msecOf(1005), '1.005');
});

test('errno names, numbers and texts', () => {
  assert.equal(strerror('ECONNREFUSED'), 'Connection refused');
  assert.equal(strerror('EWOULDBLOCK'), 'Resource temporarily unavailable');
  assert.equal(errnoName(-errnoNumber('ENOENT')), 'ENOENT');
  assert.equal(errnoSuffix({ code: 'ENOENT' }), ` (${errnoNumber('ENOENT')}: No such file or directory)`);
  assert.equal(errnoSuffix(new Error('odd')), ' (odd)');
});
