/**
 * Sections for stream servers: they become a `stream {}` in front of the http server, and an http location that asks
 * them and shows what they answer, so that all other sections work as usual. Test::Nginx::Socket::Lua::Stream(3),
 * Test::Nginx::Socket::Lua::Dgram(3).
 */
import type { Block } from './block.ts';
import { parseTime, type Settings } from './settings.ts';

interface Kind {
  /** Section names begin with it. */
  readonly name: 'stream' | 'dgram';
  /** Behind the port in `listen`, for the first server. */
  readonly listen: string;
}

/** Adds the servers of `stream_server_config` and its kin. */
export function addStreamServers(block: Block, port: number, settings: Settings): void {
  add(block, port, settings, { name: 'stream', listen: '' });
}

/** The same for `dgram_server_config`. */
export function addDatagramServers(block: Block, port: number, settings: Settings): void {
  add(block, port, settings, { name: 'dgram', listen: ' udp' });
}

function add(block: Block, port: number, settings: Settings, kind: Kind): void {
  const { name } = kind;
  const numbers = ['', '2', '3'].filter((n) => n === '' || block.has(`${name}_server_config${n}`));
  if (block.has(`${name}_server_config`) || block.has(`${name}_config`)) {
    const servers = numbers.map((n, i) => {
      const option = (block.text(`steam_listen_option${n}`) ?? '').replace(/\n$/, '');
      const config = block.text(`${name}_server_config${n}`) ?? '';
      return `    server {\n        listen ${port + i}${n === '' ? kind.listen : ''} ${option};\n\n${config}\n    }\n`;
    });
    const whole = `stream {\n${block.text(`${name}_config`) ?? ''}\n${servers.join('')}}\n`;
    block.set('main_config', [(block.text('main_config') ?? '') + whole]);
    block.set('config', [(block.text('config') ?? '') + client(block, port, numbers, settings, kind)]);
    if (!block.has('request')) block.set('request', ['GET /t\n']);
  }
  for (const suffix of ['', '_like']) {
    const response = block.get(`${name}_response${suffix}`);
    if (response === undefined) continue;
    if (block.has(`response_body${suffix}`)) {
      throw new Error(`conflicting ${name}_response${suffix} and response_body${suffix} sections`);
    }
    block.set(`response_body${suffix}`, [response]);
  }
}

/** The location that talks to the servers one after the other. */
function client(block: Block, port: number, numbers: readonly string[], settings: Settings, kind: Kind): string {
  const { name } = kind;
  const shown = ['response_body', 'response_body_like', `${name}_response`, `${name}_response_like`].some((one) =>
    block.has(one),
  );
  let limit = '';
  if (block.has('abort')) {
    const time = block.text('timeout');
    limit = `sock:settimeout(${(time === undefined ? settings.timeout : parseTime(time)) * 1000})`;
    block.set('timeout', [undefined]);
    block.set('abort', [undefined]);
  }
  const parts = numbers.map((n, i) => {
    const udp = kind.listen !== '';
    const connect = `sock:${udp ? 'setpeername' : 'connect'}("${settings.serverAddr}", ${port + i})`;
    const receive = udp ? 'sock:receive()' : 'sock:receive("*a")';
    let show = '';
    if (shown) {
      const logged = i === 0 && block.has(`log_${name}_response`);
      show = logged
        ? 'print("stream response: ", data) ngx.say("received ", #data, " bytes of response data.")'
        : 'ngx.print(data)';
    }
    return `
                    ${check(connect, 'connect to stream server error: ')}
                    ${send(block, n, udp, name)}
                    ${i === 0 ? limit : ''}
                    local data, err = ${receive}
                    if not data then
                        sock:close()
                        ngx.say("receive stream response error: ", err)
                        return
                    end
                    ${show}`;
  });
  return `
            lua_socket_log_errors off;

            location = /t {
                content_by_lua_block {
                    local sock, err = ngx.socket.${kind.listen === '' ? 'tcp' : 'udp'}()
                    assert(sock, err)
${parts.join('\n')}
                }
            }
`;
}

function check(call: string, message: string): string {
  return `do local ok, err = ${call} if not ok then ngx.say("${message}", err) return end end`;
}

/** The request that a server is sent. Datagram servers are sent something in any case: nothing would reach them else. */
function send(block: Block, n: string, udp: boolean, name: string): string {
  const request = block.text(`${name}_request${n}`);
  const own = block.text(`gen_${name}_request`);
  if (request === undefined && udp && own !== undefined) return own;
  if (request === undefined && !udp) return '';
  return check(`sock:send("${luaText(request ?? 'trigger dgram req')}")`, 'send stream request error: ');
}

/** A byte string inside a Lua string: everything but letters and digits as its number. */
function luaText(value: string): string {
  return value.replace(/[^A-Za-z0-9 ]/g, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`);
}
