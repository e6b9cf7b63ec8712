// Asks other locations of this server, without a connection.
import type { Ngx } from 'tsresty';

export default async function subrequest(ngx: Ngx) {
  const [hello, counter] = await ngx.captureMulti([['/lua/hello', { args: { name: 'TypeScript' } }], ['/lua/counter']]);

  ngx.say('Lua says: ', hello.body.trim());
  ngx.say('and: ', counter.body.split('\n')[0]);
}
