/** ngx.now, ngx.time, ngx.today, ngx.sleep and the other functions of time. */
import {
  cookieTime,
  httpTime,
  localtime,
  now,
  parseTime,
  sleep,
  time,
  today,
  updateTime,
  utctime,
} from '../../../api/time.ts';
import { type LuaTable, type LuaValue, ret0, throwError } from '../../../lua/index.ts';
import { park } from '../run.ts';
import { checkNumber } from './args.ts';

function seconds(v: LuaValue): number {
  if (typeof v !== 'number') throwError('number argument only');
  return v;
}

export function installTime(ngx: LuaTable): void {
  ngx.setStr('now', () => now());
  ngx.setStr('time', () => time());
  ngx.setStr('update_time', () => {
    updateTime();
    return ret0();
  });
  ngx.setStr('today', () => today());
  ngx.setStr('localtime', () => localtime());
  ngx.setStr('utctime', () => utctime());
  ngx.setStr('http_time', (v: LuaValue) => httpTime(seconds(v)));
  ngx.setStr('cookie_time', (v: LuaValue) => cookieTime(seconds(v)));
  ngx.setStr('parse_http_time', (v: LuaValue) => {
    if (typeof v !== 'string') throwError('string argument only');
    return parseTime(v);
  });
  ngx.setStr('sleep', (v: LuaValue) => {
    const delay = checkNumber(v, 1, 'sleep');
    if (delay < 0) throwError(`invalid sleep duration "${Math.trunc(delay * 1000)}"`);
    return park(sleep(delay), () => []);
  });
}
