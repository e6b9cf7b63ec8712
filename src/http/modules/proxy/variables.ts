/** $proxy_host, $proxy_port, $proxy_add_x_forwarded_for and what Content-Length and Transfer-Encoding are made of. */
import type { HttpRequest } from '../../request.ts';
import type { VariableSpec, VariableValue } from '../../variables.ts';
import { proxyModule } from './conf.ts';
import type { ProxyExchange } from './exchange.ts';

function exchangeOf(r: HttpRequest): ProxyExchange | undefined {
  return proxyModule.context(r) as ProxyExchange | undefined;
}

function forwardedFor(r: HttpRequest): VariableValue {
  const before = r.headersIn.list.getAll('x-forwarded-for');
  const { remoteAddress } = r.connection;
  return before.length === 0 ? remoteAddress : `${before.join(', ')}, ${remoteAddress}`;
}

function bodyLength(r: HttpRequest): VariableValue {
  const length = exchangeOf(r)?.bodyLength.length ?? -1;
  return length < 0 ? null : String(length);
}

/** The first three are visible to ngx.var, as OpenResty's patches make them. */
export const proxyVariables: readonly VariableSpec[] = [
  {
    name: 'proxy_host',
    changeable: true,
    noCacheable: true,
    get: (r) => exchangeOf(r)?.target.hostHeader ?? null,
  },
  {
    name: 'proxy_port',
    changeable: true,
    noCacheable: true,
    get: (r) => exchangeOf(r)?.target.port ?? null,
  },
  { name: 'proxy_add_x_forwarded_for', get: forwardedFor },
  { name: 'proxy_internal_body_length', noCacheable: true, noHash: true, get: bodyLength },
  {
    name: 'proxy_internal_chunked',
    noCacheable: true,
    noHash: true,
    get: (r) => (exchangeOf(r)?.bodyLength.chunked === true ? 'chunked' : null),
  },
];
