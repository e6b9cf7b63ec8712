/** Request targets: decoding, normalisation, absolute forms, what is refused. */
import type { RawCase } from '../case.ts';
import { page } from './page.ts';

const to = (target: string): RawCase => ({
  name: JSON.stringify(target),
  send: `GET ${target} HTTP/1.1\r\nHost: main\r\n\r\n`,
});

/** Split at spaces. */
const each = (words: string): string[] => words.split(' ');

export const targets: readonly RawCase[] = [
  ...each('/a /a/ /a? /a?b /a?b=c&d=e /a?? /a?b?c /? /a;b /a:b /a=b /a,b /~a').map(to),
  ...each('// //a ///a /a//b /a///b// /a//?b//c /./ /. /a/. /a/./b /a/.. /a/../b').map(to),
  ...each('/a/b/../../c /a/../.. /.. /../ /../a /a/../../b /... /a/... /a/..b /a/.b /.a').map(to),
  ...each(
    '/a..b /a/b.. /a/..?x /a/.?x /a/..#x /a/./../b/ //../a /a//../b /a/%2e/b /%2e%2e/ /a/%2e%2e/b /a/.%2e/b /a%2fb /a%2Fb /a/%2F/b /%2f /a%2f..%2fb /a%5cb',
  ).map(to),
  ...each('/%41 /%61%62 /%7E /%7f /%00 /a%00b /% /%4 /%zz /%4z /%%41 /%25 /%2541').map(to),
  ...each('/%20 /a%20b /%0a /%0d%0aX:y /%3f /%3fa=b /%23 /%23a /%2b /a+b /a?b+c /%ff').map(to),
  ...each('/%c3%a9 /\xc3\xa9 /\xff /a?\xff /a#b /a# /# /a?b#c /a#b?c /a%3fb?c /a?%zz').map(to),
  ...each('/a?b%20c /a?../b /a?// /a.b.c /a.html /a.b/c /"a" /\'a\' /<a> /{a} /a|b /a\\b').map(to),
  ...each('/a\\..\\b /a^b /a`b /[a] /@a /$a /!a /(a) /* /a&b /a\x01b /a\x1fb /a\x7fb').map(to),
  ...each('/a\tb /a\x0bb /a?\x01 /a?\x7f /a\x00b /a\x80b').map(to),
  ...each(
    'a * ?a # a/b http: http:/ http:/main/ http:main http//main/ ://main/ http://main/ http://main http://main/a?b http://main?a http://main?a=/../b http://main/a/../b',
  ).map(to),
  ...each('http://main#a http://main:80/ http://main:/ http://main:x/ http://main:80:80/').map(to),
  ...each('HTTP://MAIN/ https://main/ ftp://main/ a+b-c.d://main/ 1http://main/ h_t://main/ http:///').map(to),
  ...each('http://user@main/ http://user:pw@main/ http://ma_in/ http://ma%69n/ http://-/ http://./').map(to),
  ...each('http://../ http://main./ http://main../ http://[::1]/ http://[::1] http://[::1]:80/ http://[::1/').map(to),
  ...[
    'http://[]/',
    'http://[::1]x/',
    'http://[v1.a:b]/',
    'http://[a b]/',
    'http://www.example.com/',
    'http://x.wild.org/a',
  ].map((t) => to(t)),
  {
    ...to('http://main:99999/'),
    newer: {
      because: 'since 1.29 ports must be ports',
      text: page('400 Bad Request'),
      closed: true,
      log: [
        '[info] client sent invalid host in request line while reading client request line, client: 127.0.0.1, server: main, request: "GET http://main:99999/ HTTP/1.1"',
      ],
    },
  },
  { name: 'an absolute target and another Host', send: 'GET http://example.com/a HTTP/1.1\r\nHost: main\r\n\r\n' },
  { name: 'an absolute target without Host', send: 'GET http://example.com/a HTTP/1.1\r\n\r\n' },
  { name: 'an absolute target without Host in HTTP/1.0', send: 'GET http://example.com/a HTTP/1.0\r\n\r\n' },
  { name: 'an absolute target and a bad Host', send: 'GET http://example.com/a HTTP/1.1\r\nHost: a/b\r\n\r\n' },
  { name: 'a long path', send: `GET /${'a'.repeat(3000)} HTTP/1.1\r\nHost: main\r\n\r\n` },
  { name: 'a long encoded path', send: `GET /${'%61'.repeat(1500)} HTTP/1.1\r\nHost: main\r\n\r\n` },
  { name: 'many dots', send: `GET ${'/a/..'.repeat(500)}/b HTTP/1.1\r\nHost: main\r\n\r\n` },
  { name: 'slashes kept', to: 'odd', send: 'GET //a///b/../c/ HTTP/1.1\r\nHost: odd\r\n\r\n' },
  { name: 'slashes kept, up to the root', to: 'odd', send: 'GET //../../ HTTP/1.1\r\nHost: odd\r\n\r\n' },
  { name: 'a redirect', send: 'GET /moved HTTP/1.1\r\nHost: main\r\n\r\n' },
  { name: 'a redirect elsewhere', send: 'GET /moved/full HTTP/1.1\r\nHost: main\r\n\r\n' },
  { name: 'a redirect in HTTP/1.0', send: 'GET /moved HTTP/1.0\r\n\r\n' },
];
