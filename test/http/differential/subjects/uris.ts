/** What proxy_pass makes of a request's URI. */
import type { Case } from '../case.ts';
import { get, ok } from './make.ts';

const backend = [ok()];
const uri = (name: string, conf: string, target: string, ...more: string[]): Case => ({
  name,
  conf,
  backend,
  send: [get(target, ...more)],
});

const SLASH = 'location / { proxy_pass http://%B1%; }';
const REPLACED = 'location /a/ { proxy_pass http://%B1%/b/; }';
const NO_SLASH = 'location /a { proxy_pass http://%B1%/b; }';
const BY_VARIABLE = 'location /a/ { set $t http://%B1%; proxy_pass $t; }';
const BY_VARIABLE_URI = 'location /a/ { set $t http://%B1%/fixed; proxy_pass $t; }';

/** Targets that are written in odd ways. */
const ODD: readonly (readonly [string, string])[] = [
  ['plain', '/a/x'],
  ['a query', '/a/x?y=z&w'],
  ['an empty query', '/a/x?'],
  ['a second question mark', '/a/x?y?z'],
  ['escapes', '/a/%41%2f%20%3f'],
  ['escapes in lower case', '/a/%c3%a4'],
  ['bytes above 127', '/a/\xc3\xa4'],
  ['an escaped percent', '/a/%25%32%35'],
  ['an escaped hash', '/a/%23x'],
  ['a hash', '/a/x#y'],
  ['double slashes', '/a//x///y'],
  ['dots', '/a/./x/../y'],
  ['a dot at the end', '/a/x/.'],
  ['dots out of the location', '/a/../a/y'],
  ['the absolute form', 'http://other/a/x?q'],
  ['reserved characters', "/a/!$&'()*+,;=:@"],
  ['characters that are not allowed', '/a/"<>\\^`{|}'],
  ['a plus', '/a/x+y?a+b'],
  ['an escaped space in the query', '/a/x?a%20b'],
  ['escaped dots', '/a/%2e%2e/a/z'],
  ['an escaped slash before dots', '/a/x%2f../y'],
];

export const uris: readonly Case[] = [
  ...ODD.map(([what, target]) => uri(`passed as it is: ${what}`, SLASH, target)),
  ...ODD.map(([what, target]) => uri(`replaced: ${what}`, REPLACED, target)),
  ...ODD.slice(0, 8).map(([what, target]) => uri(`a variable: ${what}`, BY_VARIABLE, target)),
  ...ODD.slice(0, 4).map(([what, target]) => uri(`a variable with a URI: ${what}`, BY_VARIABLE_URI, target)),
  uri('no slashes', NO_SLASH, '/a'),
  uri('no slashes, something behind', NO_SLASH, '/ab/c'),
  uri('a slash to none', 'location /a/ { proxy_pass http://%B1%/b; }', '/a/c'),
  uri('none to a slash', 'location /a { proxy_pass http://%B1%/b/; }', '/a/c'),
  uri('a query in proxy_pass', 'location /a/ { proxy_pass http://%B1%/b?k=v; }', '/a/c?d'),
  uri('a redirect to the slash', REPLACED, '/a?b'),
  uri('a redirect to the slash, HTTP/1.0 style Host', REPLACED, '/a'),
  uri('an exact location', 'location = /a { proxy_pass http://%B1%/b; }', '/a?c'),
  uri('a preferred location', 'location ^~ /a/ { proxy_pass http://%B1%/b/; }', '/a/c'),
  uri('a regex', 'location ~ ^/a/(.*) { proxy_pass http://%B1%; }', '/a/%41?c'),
  uri('a regex with captures', 'location ~ ^/a/(.*) { proxy_pass http://%B1%/$1; }', '/a/%41%20b?c'),
  uri(
    'a regex with captures and arguments',
    'location ~ ^/a/(.*) { proxy_pass http://%B1%/$1$is_args$args; }',
    '/a/b?c=%20',
  ),
  uri('a regex without regard to case', 'location ~* ^/A/(.*)$ { proxy_pass http://%B1%/x-$1; }', '/a/b'),
  uri('a named location', 'location / { try_files /none @b; } location @b { proxy_pass http://%B1%; }', '/a/%41?c'),
  uri('if', 'location /a/ { if ($arg_x) { proxy_pass http://%B1%; } return 404; }', '/a/%41?x=1'),
  uri(
    'if, not met',
    'location /a/ { if ($arg_y) { proxy_pass http://%DEAD%; } proxy_pass http://%B1%/b/; }',
    '/a/%41?x=1',
  ),
  uri(
    'limit_except, allowed',
    'location /a/ { limit_except GET { proxy_pass http://%DEAD%; } proxy_pass http://%B1%; }',
    '/a/x',
  ),
  {
    name: 'limit_except, another',
    conf: 'location /a/ { limit_except GET { proxy_pass http://%B1%; } proxy_pass http://%DEAD%; }',
    backend,
    send: 'PUT /a/x HTTP/1.1\r\nHost: case\r\nContent-Length: 1\r\n\r\nz',
  },
  uri('after rewrite', 'location /a/ { rewrite ^/a/(.*) /z/$1?n=1 break; proxy_pass http://%B1%; }', '/a/%41%20b?c'),
  uri(
    'after rewrite, with a URI',
    'location /a/ { rewrite ^/a/(.*) /z/$1 break; proxy_pass http://%B1%/b/; }',
    '/a/%41%20b?c',
  ),
  uri(
    'after rewrite to another location',
    'rewrite ^/o/(.*) /a/$1 last; location /a/ { proxy_pass http://%B1%; }',
    '/o/%41?c',
  ),
  uri(
    'after rewrite to another location that replaces',
    'rewrite ^/o/(.*) /a/$1 last; location /a/ { proxy_pass http://%B1%/b/; }',
    '/o/%41%3f?c',
  ),
  uri(
    'after rewrite without arguments',
    'location /a/ { rewrite ^/a/(.*) /z/$1? break; proxy_pass http://%B1%; }',
    '/a/b?c',
  ),
  uri(
    'after an error page',
    'error_page 404 /e/x; location /a { return 404; } location /e/ { proxy_pass http://%B1%; }',
    '/a/%41?c',
  ),
  uri(
    'after an error page, replaced',
    'error_page 404 = /e/x; location /a { return 404; } location /e/ { proxy_pass http://%B1%/f/; }',
    '/a/%41?c',
  ),
  uri('of $request_uri', 'location /a/ { proxy_pass http://%B1%$request_uri; }', '/a/%41//b/../c?d'),
  uri('of $uri', 'location /a/ { proxy_pass http://%B1%$uri; }', '/a/%41//b/../c%20d?e'),
  uri('of $args alone', 'location /a/ { proxy_pass http://%B1%/?$args; }', '/a/b?c=d'),
  uri('a variable that is a question mark', 'set $q ?x; location /a/ { proxy_pass http://%B1%$q; }', '/a/b'),
  uri('an upstream in a variable', 'set $u u%ID%; location /a/ { proxy_pass http://$u/b; }', '/a/b'),
  uri('a bad scheme in a variable', 'set $u ftp://x; location /a/ { proxy_pass $u; }', '/a/b'),
  uri('no scheme in a variable', 'set $u %B1%; location /a/ { proxy_pass $u; }', '/a/b'),
  uri('an empty variable', 'set $u ""; location /a/ { proxy_pass $u; }', '/a/b'),
  uri('a name without a resolver', 'set $u backend.invalid; location /a/ { proxy_pass http://$u/; }', '/a/b'),
  uri('port 0 in a variable', 'set $u 127.0.0.1:0; location /a/ { proxy_pass http://$u/; }', '/a/b'),
  uri('a bad port in a variable', 'set $u 127.0.0.1:99999; location /a/ { proxy_pass http://$u/; }', '/a/b'),
  uri('root of the location in another', 'location /a/ { location /a/b/ { proxy_pass http://%B1%/c/; } }', '/a/b/d'),
  uri('merge_slashes off', 'merge_slashes off; location /a/ { proxy_pass http://%B1%/b/; }', '/a//x///y'),
  uri('merge_slashes off, as it is', 'merge_slashes off; location / { proxy_pass http://%B1%; }', '/a//x///y'),
  {
    name: 'a Unix socket',
    conf: 'location /a/ { proxy_pass http://unix:%U1%; }',
    backend: { U1: backend },
    send: get('/a/%41?c'),
  },
  {
    name: 'a Unix socket and a URI',
    conf: 'location /a/ { proxy_pass http://unix:%U1%:/b/; }',
    backend: { U1: backend },
    send: get('/a/%41?c'),
  },
  {
    name: 'a Unix socket in a variable',
    conf: 'location /a/ { set $s unix:%U1%; proxy_pass http://$s:/b/; }',
    backend: { U1: backend },
    send: get('/a/%41?c'),
  },
  {
    name: 'a Unix socket in an upstream',
    http: 'upstream u%ID% { server unix:%U1%; }',
    conf: 'location /a/ { proxy_pass http://u%ID%/b/; add_header A $upstream_addr; }',
    backend: { U1: backend },
    send: get('/a/%41?c'),
  },
  {
    name: 'a Unix socket that is not there',
    conf: 'location /a/ { proxy_pass http://unix:%U1%:/b/; }',
    send: get('/a/%41?c'),
  },
].map((c: Case) =>
  c.conf?.includes('u%ID%') && c.http === undefined ? { ...c, http: 'upstream u%ID% { server %B1%; }' } : c,
);
