/** Host fields and the choice of the server. */
import type { RawCase } from '../case.ts';
import { page } from './page.ts';

const host = (text: string): RawCase => ({
  name: JSON.stringify(text),
  send: `GET /p HTTP/1.1\r\nHost: ${text}\r\n\r\n`,
});

/** Hosts that are refused now. */
const refused = (text: string): RawCase => ({
  ...host(text),
  newer: {
    because: 'since 1.29 hosts are checked by the grammar of RFC 3986, and ports must be ports',
    text: page('400 Bad Request'),
    closed: true,
    log: [
      `[info] client sent invalid host header while reading client request headers, client: 127.0.0.1, server: main, request: "GET /p HTTP/1.1", host: "${text}"`,
    ],
  },
});

/** Split at spaces. */
const each = (words: string): string[] => words.split(' ');

export const hosts: readonly RawCase[] = [
  ...each('main MAIN main. main:80 main: main.:80 main:0 main:65535').map(host),
  ...each('main:65536 main:99999 main:x main:80:80 main:-1').map(refused),
  ...each('main.. a..b .main . .. ... :80 :').map(host),
  ...each('example.com www.example.com WWW.Example.COM x.example.com www.example.com. x.wild.org').map(host),
  ...each('x.y.wild.org wild.org .wild.org dots.org a.dots.org mail.a mail.a.b mail. mail').map(host),
  ...each('abc.regex.net ABC.regex.net a1.regex.net regex.net abc.regex.net. abc.regex.net:81').map(host),
  ...each('127.0.0.1 127.0.0.1:80 [::1] [::1]:80 ::1 [::1]: [] [1.2.3.4] [..]').map(host),
  ...each('[::1 [::1]x [a]b a\\b a?b a#b a@b a"b a<b a|b a^b a`b a{b a\xe9b').map(refused),
  ...each("a/b a_b a~b a!b$c&d'e(f)g*h+i,j;k=l a%b %41 a%00b a\x01b a\x7fb a\tb - _ * *.wild.org").map(host),
  ...each('unders main,main http://main/ main/').map(host),
  ...['a b', 'main:8 0'].map(host),
  { name: 'an empty Host', send: 'GET / HTTP/1.1\r\nHost: \r\n\r\n' },
  { name: 'an empty Host in HTTP/1.0', send: 'GET / HTTP/1.0\r\nHost:\r\n\r\n' },
  { name: 'no Host in HTTP/1.0 goes to the server without a name', send: 'GET / HTTP/1.0\r\nX_Y: b\r\nX: a\r\n\r\n' },
  { name: 'two Hosts', send: 'GET / HTTP/1.1\r\nHost: main\r\nHost: main\r\n\r\n' },
  { name: 'two different Hosts', send: 'GET / HTTP/1.1\r\nHost: main\r\nhost: example.com\r\n\r\n' },
  { name: 'two Hosts in HTTP/1.0', send: 'GET / HTTP/1.0\r\nHost: main\r\nHost: main\r\n\r\n' },
  { name: 'Host last', send: 'GET / HTTP/1.1\r\nX: a\r\nHost: example.com\r\n\r\n' },
  { name: 'rules of the server before and after Host', send: 'GET / HTTP/1.1\r\nX_Y: a\r\nHost: unders\r\n\r\n' },
  { name: 'rules of the server after Host', send: 'GET / HTTP/1.1\r\nHost: unders\r\nX_Y: a\r\n\r\n' },
  {
    name: 'another host on a kept connection',
    send: [
      'GET / HTTP/1.1\r\nHost: main\r\n\r\n',
      20,
      'GET / HTTP/1.1\r\nHost: example.com\r\n\r\n',
      20,
      'GET / HTTP/1.1\r\nHost: main\r\n\r\n',
    ],
  },
  {
    name: 'the same header on a kept connection',
    send: [
      'GET /1 HTTP/1.1\r\nHost: abc.regex.net\r\nX: 1\r\n\r\n',
      20,
      'GET /2 HTTP/1.1\r\nHost: abc.regex.net\r\nX: 1\r\n\r\n',
      20,
      'HEAD /3 HTTP/1.1\r\nHost: abc.regex.net\r\nX: 1\r\n\r\n',
      20,
      'GET http://main/4 HTTP/1.1\r\nHost: abc.regex.net\r\nX: 1\r\n\r\n',
    ],
  },
  { name: 'a space before Host', send: 'GET / HTTP/1.1\r\n Host: main\r\n\r\n' },
  { name: 'Host with an underscore name', send: 'GET / HTTP/1.1\r\nHo_st: main\r\n\r\n' },
];
