/** The content handler of proxy_pass. nginx: ngx_http_proxy_handler(). */
import { DONE, HTTP_INTERNAL_SERVER_ERROR, HTTP_SPECIAL_RESPONSE } from '../../codes.ts';
import { HTTP_VERSION_11, type HttpRequest } from '../../request.ts';
import { type ProxyTarget, proxyModule } from './conf.ts';
import { ProxyExchange } from './exchange.ts';
import { evaluateTarget } from './target.ts';

export function proxyHandler(r: HttpRequest): number {
  const conf = proxyModule.location(r);
  let exchange: ProxyExchange;
  if (conf.url === undefined) {
    exchange = new ProxyExchange(r, conf, conf.target as ProxyTarget);
  } else {
    const evaluated = evaluateTarget(r, conf.url);
    if (evaluated === undefined) return HTTP_INTERNAL_SERVER_ERROR;
    exchange = new ProxyExchange(r, conf, evaluated.target);
    exchange.resolved = evaluated.resolved;
  }
  proxyModule.setContext(r, exchange);
  if (
    !conf.requestBuffering &&
    conf.body === undefined &&
    conf.passRequestBody &&
    (!r.headersIn.chunked || conf.httpVersion === HTTP_VERSION_11)
  ) {
    r.requestBodyNoBuffering = true;
  }
  const rc = r.connection.readBody(r, start);
  return rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
}

function start(r: HttpRequest): void {
  (r.upstream as ProxyExchange).start();
}
