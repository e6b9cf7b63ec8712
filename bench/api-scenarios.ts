// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a replacement template of ngx.re.gsub has such a group.
/**
 * The Lua API one function at a time: each scenario is a request that calls it many times, so that the request itself
 * (a tenth of an operation's cost at most, for the cheapest) does not hide it. What is reported is CPU time an operation.
 */
import type { Scenario } from './scenarios.ts';

/** For connections that take turns: a request here takes milliseconds. */
const FEW = 4;

/** Where the Redis server of these scenarios listens. */
export const REDIS_PORT = 18199;

/** Lines of the http block the scenarios need. */
export const API_HTTP = `lua_shared_dict bench 16m; lua_regex_cache_max_entries 1024; lua_max_pending_timers 4096;
  lua_max_running_timers 4096; lua_socket_log_errors off;
  init_by_lua_block {
    keys = {} for i = 1, 1000 do keys[i] = "some:key:" .. i end
    hundred = ("x"):rep(100)
    kilobyte = ("some words 42 and, more of them 7; "):rep(30):sub(1, 1024)
    for i = 1, 1000 do ngx.shared.bench:set(keys[i], hundred) end
    ngx.shared.bench:set("number", 0)
  }`;

interface Options {
  readonly goal?: number;
  readonly why?: string;
  readonly before?: string;
  /** Instead of a loop over `code`. */
  readonly body?: string;
  readonly directives?: string;
  readonly needs?: 'redis';
}

const COPY = 'LuaJIT copies inline; here each copy of bytes into or out of memory is a call of 40 ns out of JavaScript';
/** What has been found where the time goes (`--cpu-prof`). */
const REASONS: Readonly<Record<string, string>> = {
  'dict-get': COPY,
  'dict-set': `the accesses to the entry, its neighbours in the order of use and the lock are checked one by one; ${COPY}`,
  'dict-incr': 'each access to memory is checked, where the C code has none to check',
  're-match': 'the captures are an array of the RegExp first and a table then',
  're-match-hard':
    'JavaScript has no recursion in patterns: JavaScript functions are generated, where PCRE makes machine code; half of the time goes into what surrounds them',
  're-gsub': 'each match is an array made by RegExp.exec()',
  md5: 'node:crypto takes 0.4 µs to be called, whatever the length',
  unbase64: COPY,
  redis:
    'two thirds of it are system calls, as in nginx: writing, reading, waiting, and one more, by FFI, that looks for what has come on a connection which goes to the pool; the rest is the way from libuv into JavaScript and back, as the sockets are its handles, and resuming the light thread',
  capture:
    'a subrequest is a request of its own: 4 KB of objects are allocated for it and collected, where nginx takes them from the pool of the request',
  log: 'the line is written by node:fs, at once as in nginx, which takes 1.4 µs (in functions other than the chunk itself the place of the call is asked of V8, which takes 5 µs more)',
};

/** A location that does `code` `operations` times, with \`i\` counting; what it leaves in \`last\` is sent. */
function api(name: string, title: string, operations: number, code: string, options: Options = {}): Scenario {
  const { before = '', directives = '', goal = 0.5, needs, why = REASONS[name] } = options;
  const body = options.body ?? `for i = 1, ${operations} do ${code} end`;
  return {
    name,
    title,
    location: `/${name} { ${directives} content_by_lua_block { ${before} local last ${body} ngx.say(tostring(last)) } }`,
    path: `/${name}`,
    connections: FEW,
    operations,
    goal,
    ...(needs === undefined ? {} : { needs }),
    ...(why === undefined ? {} : { why }),
  };
}

const DICT = 'local dict, keys, hundred = ngx.shared.bench, keys, hundred';
const REDIS = `local request = "*2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nkey\\r\\n"
  local function get()
    local sock = ngx.socket.tcp()
    assert(sock:connect("127.0.0.1", ${REDIS_PORT}))
    assert(sock:send(request))
    local length = tonumber(assert(sock:receive("*l")):sub(2))
    local value = assert(sock:receive(length))
    assert(sock:receive(2))
    assert(sock:setkeepalive(60000, 16))
    return value
  end`;

export const API_SCENARIOS: readonly Scenario[] = [
  api('dict-get', 'shared dict get, 100 bytes, 1000 keys', 20_000, 'last = dict:get(keys[i % 1000 + 1])', {
    before: DICT,
  }),
  api('dict-set', 'shared dict set, 100 bytes, 1000 keys', 20_000, 'last = dict:set(keys[i % 1000 + 1], hundred)', {
    before: DICT,
  }),
  api('dict-incr', 'shared dict incr', 20_000, 'last = dict:incr("number", 1)', { before: DICT }),
  api(
    're-match',
    'ngx.re.match "jo", three groups',
    10_000,
    'last = match(subject, [[^/blog/(\\d+)/(\\d+)/([\\w-]+)$]], "jo")[3]',
    { before: 'local match = ngx.re.match local subject = "/blog/2024/05/hello-world"' },
  ),
  api(
    're-match-hard',
    'ngx.re.match "jo", nested parentheses by recursion',
    2_000,
    'last = match(subject, [[(\\((?:[^()]++|(?1))*+\\))$]], "jo")[0]',
    { before: 'local match = ngx.re.match local subject = "call(a, (b + c) * (d - (e + f)), g(h(i), j))"' },
  ),
  api('re-find', 'ngx.re.find "jo" in a kilobyte', 5_000, 'last = find(subject, [[\\d+z|\\bthem 8]], "jo")', {
    before: 'local find = ngx.re.find local subject = kilobyte',
  }),
  api('re-gsub', 'ngx.re.gsub "jo", a word, five places', 5_000, 'last = gsub(subject, "cat", "dog", "jo")', {
    before: 'local gsub = ngx.re.gsub local subject = ("the cat sat there, "):rep(5)',
  }),
  api(
    're-gsub-hard',
    'ngx.re.gsub "jo", groups swapped, 60 places in a kilobyte',
    300,
    'last = gsub(subject, [[([a-z]+),?\\s+(\\w+)]], "$2 ${1}", "jo")',
    { before: 'local gsub = ngx.re.gsub local subject = kilobyte' },
  ),
  api('md5', 'ngx.md5 of 100 bytes', 10_000, 'last = md5(subject .. i)', {
    before: 'local md5 = ngx.md5 local subject = hundred',
  }),
  api('base64', 'ngx.encode_base64 of 100 bytes', 20_000, 'last = encode(subject .. i)', {
    before: 'local encode = ngx.encode_base64 local subject = hundred',
  }),
  api('unbase64', 'ngx.decode_base64 of 136 bytes', 20_000, 'last = decode(subject)', {
    before: 'local decode = ngx.decode_base64 local subject = ngx.encode_base64(hundred)',
  }),
  api('escape-uri', 'ngx.escape_uri of 35 bytes', 20_000, 'last = escape(subject .. i)', {
    before: 'local escape = ngx.escape_uri local subject = "some words & others / with=signs, "',
  }),
  api('redis', 'Redis GET through the connection pool', 20, 'last = get()', { before: REDIS, needs: 'redis' }),
  api('capture', 'subrequest (ngx.location.capture)', 20, 'last = ngx.location.capture("/captured").body', {}),
  api('timer', 'ngx.timer.at(0)', 100, 'assert(at(0, noop)) last = i', {
    before: 'local at = ngx.timer.at local function noop() end',
  }),
  api('log', 'a line of ngx.log', 200, 'log(WARN, "something happened: ", i)', {
    before: 'local log, WARN = ngx.log, ngx.WARN',
    directives: 'error_log logs/lines.log warn;',
  }),
];
