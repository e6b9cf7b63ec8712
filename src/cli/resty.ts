/**
 * resty: runs a Lua file, or code given by -e, with the whole ngx API, outside of a web server. As OpenResty's resty, it
 * writes a small configuration into a temporary folder and runs the server on it; the code runs in a timer.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TSRESTY_VERSION } from '../conf/identity.ts';

const HELP = `Usage: resty [options] [lua-file [args]]

Options:
    -c num              Maximum number of concurrent connections (default: 64).
    -e prog             Run the code given; may be repeated.
    --errlog-level LEVEL
                        Level of the error log, which goes to standard error (default: warn).
    -h, --help          Print this help.
    --http-conf CONF    Directives to put into the http block; may be repeated.
    --http-include PATH File to include in the http block; may be repeated.
    -I DIR              Folder to look for Lua modules in; may be repeated.
    --main-conf CONF    Directives to put into the main context; may be repeated.
    --main-include PATH File to include in the main context; may be repeated.
    --ns IP             Name server; may be repeated.
    --resolve-ipv6      Resolve IPv6 addresses, too.
    --shdict 'NAME SIZE'
                        Shared dictionary; may be repeated.
    -v                  Print the version.
`;

interface Settings {
  connections: number;
  level: string;
  readonly code: string[];
  readonly folders: string[];
  readonly mainConf: string[];
  readonly httpConf: string[];
  readonly nameServers: string[];
  ipv6: boolean;
  file: string | undefined;
  args: string[];
}

/** Ends with a message, as resty does for options that it cannot take. */
function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(25);
}

function parse(argv: readonly string[]): Settings {
  const settings: Settings = {
    connections: 64,
    level: 'warn',
    code: [],
    folders: [],
    mainConf: [],
    httpConf: [],
    nameServers: [],
    ipv6: false,
    file: undefined,
    args: [],
  };
  const rest = [...argv];
  const value = (option: string): string => rest.shift() ?? fail(`option ${option} takes an argument but found none.`);
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    if (!option.startsWith('-')) {
      settings.file = option;
      settings.args = rest.splice(0);
      return settings;
    }
    take(settings, option, value);
  }
  return settings;
}

function take(settings: Settings, option: string, value: (option: string) => string): void {
  switch (option) {
    case '-c': {
      const text = value(option);
      if (!/^\d+$/.test(text) || Number(text) === 0) fail(`Invalid -c option value: ${text}`);
      settings.connections = Number(text);
      return;
    }
    case '-e':
      settings.code.push(value(option));
      return;
    case '--errlog-level':
      settings.level = value(option);
      return;
    case '-h':
    case '--help':
      process.stdout.write(HELP);
      process.exit(0);
      break;
    case '-v':
    case '-V':
      process.stdout.write(`resty of tsresty/${TSRESTY_VERSION}\n`);
      process.exit(0);
      break;
    case '-I':
      settings.folders.push(resolve(value(option)));
      return;
    case '--main-conf':
      settings.mainConf.push(value(option));
      return;
    case '--main-include':
      settings.mainConf.push(`include ${quote(resolve(value(option)))};`);
      return;
    case '--http-conf':
      settings.httpConf.push(value(option));
      return;
    case '--http-include':
      settings.httpConf.push(`include ${quote(resolve(value(option)))};`);
      return;
    case '--ns':
      settings.nameServers.push(value(option));
      return;
    case '--resolve-ipv6':
      settings.ipv6 = true;
      return;
    case '--shdict': {
      const text = value(option);
      if (!/^\s*\S+\s+\d+\s*[kKmM]?\s*$/.test(text)) fail(`Invalid value for --shdict option. Expected: NAME SIZE`);
      settings.httpConf.push(`lua_shared_dict ${text.trim()};`);
      return;
    }
    default:
      fail(`unknown argument: ${option}`);
  }
}

/** A word of nginx.conf. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** A string of Lua, byte for byte. */
function luaString(text: string): string {
  return `"${Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^ -!#-[\]-~]/g, (ch) => `\\${String(ch.charCodeAt(0)).padStart(3, '0')}`)}"`;
}

/** What runs in the timer: output goes to standard output, an error ends the program with status 1. */
function runner(settings: Settings): string {
  const chunks = settings.code.map((code) => `{ code = ${luaString(code)}, name = "=(command line -e)" }`);
  if (settings.file !== undefined) chunks.push(`{ file = ${luaString(settings.file)} }`);
  const args = settings.args.map(luaString).join(', ');
  return `
local stdout = io.stdout
local function text(v)
    if type(v) ~= "table" then return v == ngx.null and "null" or tostring(v) end
    local parts = {}
    for i = 1, #v do parts[i] = text(v[i]) end
    return table.concat(parts)
end
local function write(...)
    for i = 1, select("#", ...) do stdout:write(text((select(i, ...)))) end
    return 1
end
function ngx.print(...) return write(...) end
function ngx.say(...) write(...) stdout:write("\\n") return 1 end
function ngx.flush() stdout:flush() return 1 end
function ngx.eof() return 1 end
function ngx.exit(code) stdout:flush() os.exit(code == 0 and 0 or code) end
function print(...)
    local parts = {}
    for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
    stdout:write(table.concat(parts, "\\t"), "\\n")
end
arg = { [0] = ${settings.file === undefined ? '"resty"' : luaString(settings.file)}, ${args} }

local function run()
    for _, chunk in ipairs { ${chunks.join(', ')} } do
        local fn, err
        if chunk.file then fn, err = loadfile(chunk.file) else fn, err = loadstring(chunk.code, chunk.name) end
        if not fn then
            io.stderr:write("ERROR: ", err, "\\n")
            return 1
        end
        local ok, failure = xpcall(fn, function(e) return debug.traceback(tostring(e), 2) end, unpack(arg))
        if not ok then
            io.stderr:write("ERROR: ", failure, "\\n")
            return 1
        end
    end
    return 0
end

assert(ngx.timer.at(0, function(premature)
    if premature then return end
    local status = run()
    stdout:flush()
    os.exit(status)
end))
`;
}

function configuration(settings: Settings, folder: string): string {
  const path = settings.folders.map((dir) => `${dir}/?.lua;${dir}/?/init.lua;`).join('');
  const resolver =
    settings.nameServers.length === 0
      ? ''
      : `resolver ${settings.nameServers.join(' ')}${settings.ipv6 ? '' : ' ipv6=off'};`;
  return `daemon off; master_process off; worker_processes 1;
error_log stderr ${settings.level}; pid ${quote(join(folder, 'nginx.pid'))};
${settings.mainConf.join('\n')}
events { worker_connections ${settings.connections}; }
http {
  access_log off; client_body_temp_path ${quote(join(folder, 'body'))}; proxy_temp_path ${quote(join(folder, 'proxy'))};
  ${resolver}
  lua_package_path ${quote(`${path};;`)};
  ${settings.httpConf.join('\n')}
  init_worker_by_lua_file ${quote(join(folder, 'run.lua'))};
}
`;
}

/**
 * Prepares a run: a folder with the configuration and the code, which goes when the process ends. Ends the process for
 * wrong arguments.
 *
 * @param argv the arguments of resty
 * @returns those of the server, which runs in this process
 */
export function restyArguments(argv: readonly string[]): string[] {
  const settings = parse(argv);
  if (settings.file === undefined && settings.code.length === 0)
    fail('resty: no Lua file and no -e given; see resty -h.');
  if (settings.file !== undefined && !existsSync(settings.file)) {
    fail(`resty: Lua input file ${settings.file} not found.`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'resty-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'conf'));
  writeFileSync(join(folder, 'run.lua'), runner(settings), 'latin1');
  writeFileSync(join(folder, 'conf/nginx.conf'), configuration(settings, folder));
  return ['-p', `${process.cwd()}/`, '-c', join(folder, 'conf/nginx.conf'), '-e', 'stderr'];
}
