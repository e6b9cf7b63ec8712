/** ngx.say, ngx.print, ngx.send_headers, ngx.flush, ngx.eof. */
import { eof, flush, type OutputResult, print, sendHeaders } from '../../../api/output.ts';
import { type LuaResult, type LuaTable, type LuaValue, ret2 } from '../../../lua/index.ts';
import { park } from '../run.ts';
import { isTrue } from './args.ts';
import { joinArguments, outputNumber } from './text.ts';

function give(result: OutputResult): LuaResult {
  return result === undefined ? 1 : ret2(undefined, result);
}

function say(...args: LuaValue[]): LuaResult {
  const v = args[0];
  if (args.length === 1) {
    // The usual call, without a loop.
    if (typeof v === 'string') return give(print(`${v}\n`));
    if (typeof v === 'number') return give(print(`${outputNumber(v)}\n`));
  }
  return give(print(`${joinArguments(args, 'say')}\n`));
}

function printText(...args: LuaValue[]): LuaResult {
  return give(print(args.length === 1 && typeof args[0] === 'string' ? args[0] : joinArguments(args, 'print')));
}

function flushOutput(wait: LuaValue): LuaResult {
  const result = flush(isTrue(wait));
  if (typeof result !== 'object') return give(result);
  return park(result, (failure) => (failure === undefined ? [1] : [undefined, failure]));
}

export function installOutput(ngx: LuaTable): void {
  ngx.setStr('say', say);
  ngx.setStr('print', printText);
  ngx.setStr('flush', flushOutput);
  ngx.setStr('eof', () => give(eof()));
  ngx.setStr('send_headers', () => give(sendHeaders()));
}
