/** 103 (Early Hints) from a backend, passed on as `early_hints` says. nginx: ngx_http_send_early_hints(). */
import { flagBuf } from '../buf.ts';
import { OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import type { HeaderList } from '../headers.ts';
import { HTTP_VERSION_11, type HttpRequest } from '../request.ts';
import { testPredicates } from '../script.ts';

/** Returns OK also when nothing is to be sent; ERROR when the client is gone. */
export function sendEarlyHints(r: HttpRequest, list: HeaderList, hidden: ReadonlySet<string>): number {
  if (r.postAction || !testPredicates(r, coreModule.location(r).earlyHints)) return OK;
  if (r !== r.main || r.httpVersion < HTTP_VERSION_11) return OK;
  let text = '';
  for (let i = 0; i < list.length; i++) {
    if (!hidden.has(list.keys[i] as string)) text += list.line(i);
  }
  if (text === '') return OK;
  const b = flagBuf();
  b.flush = true;
  return r.connection.write(r, `HTTP/1.1 103 Early Hints\r\n${text}\r\n`, [b]);
}
