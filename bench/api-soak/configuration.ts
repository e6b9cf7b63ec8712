/** The server of the API soak: every kind of request is a location that runs the function of that name in app.lua. */

/** Kinds of requests; how often each is asked, relative to the others; whether it ends when its client leaves. */
export const KINDS: Readonly<Record<string, { readonly weight: number; readonly endsWithClient: boolean }>> = {
  dict: { weight: 3, endsWithClient: false },
  list: { weight: 3, endsWithClient: false },
  lock: { weight: 2, endsWithClient: true },
  threads: { weight: 4, endsWithClient: true },
  left: { weight: 2, endsWithClient: true },
  timer: { weight: 3, endsWithClient: true },
  semaphore: { weight: 3, endsWithClient: false },
  post: { weight: 2, endsWithClient: true },
  echo: { weight: 6, endsWithClient: true },
  fickle: { weight: 3, endsWithClient: true },
  dying: { weight: 3, endsWithClient: true },
  duplex: { weight: 2, endsWithClient: true },
  deaf: { weight: 0.3, endsWithClient: true },
  udp: { weight: 2, endsWithClient: true },
  subrequests: { weight: 3, endsWithClient: true },
  redirect: { weight: 2, endsWithClient: true },
  pipe: { weight: 0.7, endsWithClient: true },
  body: { weight: 3, endsWithClient: true },
  reqsocket: { weight: 2, endsWithClient: true },
  stream: { weight: 3, endsWithClient: true },
  onabort: { weight: 2, endsWithClient: true },
};

export interface ConfigurationOptions {
  readonly port: number;
  readonly workers: number;
  /** Of the peers, by kind. */
  readonly ports: Readonly<Record<string, number>>;
  /** Where Lua modules are looked for, like lua_package_path. */
  readonly luaPath: string;
}

export function configuration({ port, workers, ports, luaPath }: ConfigurationOptions): string {
  const table = Object.entries(ports).map(([kind, number]) => `${kind} = ${number}`);
  const locations = Object.entries(KINDS).map(
    ([kind, { endsWithClient }]) => `location = /${kind} {
      lua_check_client_abort ${endsWithClient ? 'on' : 'off'};
      content_by_lua_block { require("app").run("${kind}") }
    }`,
  );
  return `worker_processes ${workers}; daemon off; pid logs/nginx.pid; error_log logs/error.log warn;
${process.geteuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path tmp; client_body_buffer_size 16k; client_max_body_size 1m;
  keepalive_timeout 30s; keepalive_requests 1000;
  lua_package_path '${luaPath}'; lua_socket_log_errors off; lua_max_running_timers 4096; lua_max_pending_timers 8192;
  lua_shared_dict counts 4m; lua_shared_dict lists 4m; lua_shared_dict locks 100k;
  init_by_lua_block { require("app").init({ ${table.join(', ')} }) }
  init_worker_by_lua_block { require("app").begin_worker() }
  server {
    listen 127.0.0.1:${port};
    rewrite_by_lua_block { require("app").begin() }
    log_by_lua_block { require("app").log() }
    ${locations.join('\n    ')}
    location = /state { rewrite_by_lua_block { } log_by_lua_block { } content_by_lua_block { require("app").state() } }
    location /inner/ {
      internal; rewrite_by_lua_block { } log_by_lua_block { }
      location = /inner/say { content_by_lua_block { require("app").inner() } }
      location = /inner/nested { content_by_lua_block { require("app").nested() } }
      location = /inner/end {
        log_by_lua_block { require("app").log() }
        content_by_lua_block { ngx.say(ngx.var.arg_mark, " ok") }
      }
    }
  }
}
`;
}
