// A shared dict is memory that all workers see. incr is atomic.
import type { Ngx } from 'tsresty';

export default function counter(ngx: Ngx) {
  const counters = ngx.shared.counters;

  const mine = counters.incr('calls from TypeScript', 1, 0);
  const all = counters.incr('calls', 1, 0);

  ngx.say('call ', mine, ' in TypeScript, ', all, ' in both languages');
  ngx.say('this worker is process ', process.pid);
}
