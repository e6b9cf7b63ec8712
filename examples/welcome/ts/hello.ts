// The smallest handler: a function that gets ngx.
import type { Ngx } from 'tsresty';

export default function hello(ngx: Ngx) {
  const name = ngx.req.getUriArgs().get('name') ?? 'world';
  ngx.say('Hello, ', name, ', from TypeScript');
}
