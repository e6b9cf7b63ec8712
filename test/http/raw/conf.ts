/** The configuration that the raw requests meet, for nginx and for tsresty. */
import type { ServerName } from './case.ts';

/** Ports of the servers, and of one that tells what it was passed on. */
export type Ports = Readonly<Record<ServerName | 'backend', number>>;

const DUMP =
  'm=$request_method u=$uri a=$args r=$request_uri p=$server_protocol s=$server_name h=$host H=$http_host ' +
  'x=$http_x y=$http_x_y l=$request_length n=$connection_requests c=$content_length q=$request';

// tsresty reads the body before the phases and shows the variable. nginx 1.22 reads it to pass it on, and is told what
// it read by itself in another role.
const ECHO_TSRESTY = 'return 200 "[$request_body]$request_length";';
const ECHO_NGINX = (backend: string): string =>
  `proxy_pass http://${backend}; proxy_pass_request_body off; proxy_set_header Content-Length ""; ` +
  'proxy_set_header X-Body $request_body; proxy_set_header X-Length $request_length;';

/** @param folder for logs and temporary files */
export function configuration(flavour: 'nginx' | 'tsresty', folder: string, ports: Ports): string {
  const port = (server: ServerName): string => `127.0.0.1:${ports[server]}`;
  const early = flavour === 'tsresty' ? 'client_body_early_read 1;' : '';
  const backend = `127.0.0.1:${ports.backend}`;
  const echo = flavour === 'tsresty' ? ECHO_TSRESTY : ECHO_NGINX(backend);
  return `
worker_processes 1;
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log info;
events { worker_connections 256; }
http {
  access_log off;
  default_type text/plain;
  client_body_temp_path ${folder}/body;
  ${flavour === 'nginx' ? `proxy_temp_path ${folder}/t; fastcgi_temp_path ${folder}/t; uwsgi_temp_path ${folder}/t; scgi_temp_path ${folder}/t;` : ''}
  lingering_timeout 200ms;
  lingering_time 1s;
  server {
    listen ${port('main')} default_server;
    server_name main;
    location / { return 200 "${DUMP}"; }
    location /empty { return 204; }
    location /gone { return 410; }
    location /moved { return 301 /there; }
    location /moved/full { return 302 http://other/there; }
    location = /drop { return 444; }
    location /named/ { return 404; }
  }
  server {
    listen ${port('main')};
    server_name www.example.com example.com *.wild.org .dots.org mail.*;
    location / { return 200 "example ${DUMP}"; }
  }
  server {
    listen ${port('main')};
    server_name ~^(?<n>[a-z]+)\\.regex\\.net$;
    location / { return 200 "regex $n ${DUMP}"; }
  }
  server {
    listen ${port('main')};
    server_name "" unders;
    underscores_in_headers on;
    ignore_invalid_headers off;
    location / { return 200 "noname ${DUMP}"; }
  }
  server {
    listen ${port('tight')};
    server_name tight;
    connection_pool_size 256;
    client_header_buffer_size 128;
    large_client_header_buffers 2 256;
    client_max_body_size 10;
    keepalive_requests 3;
    location / { return 200 "${DUMP}"; }
  }
  server {
    listen ${port('odd')};
    server_name odd;
    underscores_in_headers on;
    ignore_invalid_headers off;
    merge_slashes off;
    lingering_close off;
    keepalive_timeout 0;
    location / { return 200 "${DUMP}"; }
  }
  server {
    listen ${port('quick')};
    server_name quick;
    client_header_timeout 300ms;
    client_body_timeout 700ms;
    keepalive_timeout 300ms 17s;
    ${early}
    location / { ${echo} }
  }
  server {
    listen ${port('body')};
    server_name body;
    client_max_body_size 100k;
    client_body_buffer_size 1k;
    ${early}
    location / { ${echo} }
  }
  server {
    listen ${port('small')};
    server_name small;
    client_max_body_size 10;
    ${early}
    location / { ${echo} }
  }
  ${flavour === 'nginx' ? `server { listen ${backend}; large_client_header_buffers 4 256k; location / { return 200 "[$http_x_body]$http_x_length"; } }` : ''}
}
`;
}
