// A timer runs later, without a request: here after half a second.
import type { Ngx } from 'tsresty';

export default function timer(ngx: Ngx) {
  const counters = ngx.shared.counters;

  ngx.say('the last timer ', counters.get('timer of TypeScript') ?? 'has not run yet');

  const started = ngx.now();
  ngx.timer.at(0.5, (later, premature) => {
    if (premature) return; // the worker exits
    const waited = (later.now() - started).toFixed(2);
    counters.set('timer of TypeScript', `ran ${waited} seconds after its request`);
  });

  ngx.say('the next one is set: run this again');
}
