/** What is measured: each scenario is one location served by both servers, and how it is asked for. */

export interface Scenario {
  readonly name: string;
  /** For the table: what one request does. */
  readonly title: string;
  readonly location: string;
  readonly path: string;
  /** Over TLS: the listener with session tickets, or the one where every handshake is a full one. Default: plain. */
  readonly tls?: 'tickets' | 'full';
  /** Of the load; default 64. */
  readonly connections?: number;
  /** Request header fields beyond Host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The peer has no such thing: measured for tsresty alone. */
  readonly ownOnly?: boolean;
  /** How many operations a request does, when those are what is measured. Default 1. */
  readonly operations?: number;
  /** Why it takes longer than in the peer; told where it does. */
  readonly why?: string;
  /** A server the bench starts for it. */
  readonly needs?: 'redis';
  /** The goal as efficiency against the peer, from the project's issues. */
  readonly goal?: number;
}

/** What a browser sends along: twenty fields of some 900 bytes. */
const BROWSER: Readonly<Record<string, string>> = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.9,de;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Cache-Control': 'max-age=0',
  Cookie: 'session=4f6b1c9a8e2d7f305b6c; theme=dark; consent=all; _ga=GA1.2.1234567890.1700000000',
  Referer: 'http://localhost/shop/products?category=books&page=2',
  DNT: '1',
  'Upgrade-Insecure-Requests': '1',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-User': '?1',
  'Sec-CH-UA': '"Chromium";v="140", "Not=A?Brand";v="24"',
  'Sec-CH-UA-Mobile': '?0',
  'Sec-CH-UA-Platform': '"Linux"',
  Priority: 'u=0, i',
  'X-Requested-With': 'XMLHttpRequest',
  'X-Forwarded-For': '203.0.113.7',
  'If-None-Match': 'W/"5f3a-1a2b3c4d"',
};

/** For a megabyte a response: fewer connections keep loopback's buffers from being what is measured. */
const FEW = 8;

const HELLO = 'content_by_lua_block { ngx.say("hello") }';

export const SCENARIOS: readonly Scenario[] = [
  { name: 'lua-hello', title: 'Lua hello', location: `/hello { ${HELLO} }`, path: '/hello', goal: 0.75 },
  {
    name: 'return-200',
    title: 'return 200',
    location: '/return { return 200 "hello\\n"; }',
    path: '/return',
    goal: 0.7,
  },
  { name: 'static-1k', title: 'static 1 KB', location: '/1k { root html; sendfile on; }', path: '/1k', goal: 0.7 },
  {
    name: 'static-1m',
    title: 'static 1 MB',
    location: '/1m { root html; sendfile on; }',
    path: '/1m',
    connections: FEW,
    goal: 0.7,
  },
  {
    name: 'static-1m-read',
    title: 'static 1 MB, sendfile off',
    location: '/1m-read { alias html/1m; sendfile off; }',
    path: '/1m-read',
    connections: FEW,
  },
  {
    name: 'headers-20',
    title: 'Lua hello, 20 headers',
    location: `/browser { ${HELLO} }`,
    path: '/browser',
    headers: BROWSER,
  },
  {
    name: 'code-cache-off',
    title: 'Lua hello, code cache off',
    location: `/uncached { lua_code_cache off; ${HELLO} }`,
    path: '/uncached',
  },
  {
    name: 'typescript-hello',
    title: 'TypeScript hello',
    location: '/ts { content_by_ts_file hello.ts; }',
    path: '/ts',
    ownOnly: true,
  },
  {
    name: 'proxy-1k',
    title: 'proxy 1 KB, keep-alive',
    location: '/proxy-1k { proxy_pass http://backend/1k; }',
    path: '/proxy-1k',
    goal: 0.8,
  },
  {
    name: 'proxy-1k-headers',
    title: 'proxy 1 KB, 20 headers',
    location: '/proxy-headers { proxy_pass http://backend/1k; }',
    path: '/proxy-headers',
    headers: BROWSER,
  },
  {
    name: 'proxy-1k-close',
    title: 'proxy 1 KB, new backend connections',
    location: '/proxy-close { proxy_set_header Connection close; proxy_pass http://backend/1k; }',
    path: '/proxy-close',
  },
  {
    name: 'proxy-1m',
    title: 'proxy 1 MB',
    location: '/proxy-1m { proxy_pass http://backend/1m; }',
    path: '/proxy-1m',
    connections: FEW,
    goal: 0.5,
  },
  {
    name: 'gzip-15k',
    title: 'gzip of a page of 15 KB',
    location: '/page.html { root html; gzip on; default_type text/html; }',
    path: '/page.html',
    headers: { 'Accept-Encoding': 'gzip' },
    goal: 0.8,
  },
  {
    name: 'tls-return',
    title: 'TLS, keep-alive, return 200',
    location: '/tls { return 200 "hello\\n"; }',
    path: '/tls',
    tls: 'tickets',
    goal: 0.85,
  },
  {
    name: 'tls-static-1k',
    title: 'TLS, keep-alive, static 1 KB',
    location: '/tls-1k { alias html/1k; }',
    path: '/tls-1k',
    tls: 'tickets',
    goal: 0.85,
  },
  {
    name: 'tls-static-1m',
    title: 'TLS, keep-alive, static 1 MB',
    location: '/tls-1m { alias html/1m; }',
    path: '/tls-1m',
    tls: 'tickets',
    connections: FEW,
  },
  {
    name: 'tls-full',
    title: 'TLS, a full handshake each',
    location: '/tls-full { return 200 "hello\\n"; }',
    path: '/tls-full',
    headers: { Connection: 'close' },
    tls: 'full',
    goal: 0.7,
  },
  {
    name: 'tls-resumed',
    title: 'TLS, a connection each, tickets',
    location: '/tls-resumed { return 200 "hello\\n"; }',
    path: '/tls-resumed',
    headers: { Connection: 'close' },
    tls: 'tickets',
  },
];
