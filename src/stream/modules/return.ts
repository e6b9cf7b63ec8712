/** ngx_stream_return_module: sends a value to the client and closes the connection. */
import type { Directive } from '../../conf/directive.ts';
import { STREAM_OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { finalizeSession } from '../finalize.ts';
import { streamModule } from '../module.ts';
import { compileStreamValue, type StreamValue } from '../script.ts';
import type { StreamSession } from '../session.ts';

interface ReturnServer {
  text: StreamValue | undefined;
}

const directive: Directive<ReturnServer> = {
  name: 'return',
  contexts: ['stream server'],
  args: 1,
  level: 'server',
  doc: 'Sends the value, which may have variables, and closes the connection.',
  set(cf, conf, args) {
    if (conf.text !== undefined) return 'is duplicate';
    conf.text = compileStreamValue(cf, args[0] as string);
    if (cf.confs !== undefined) coreModule.serverOf(cf.confs).handler = sendValue;
    return undefined;
  },
};

export const returnModule = streamModule<object, ReturnServer>({
  name: 'ngx_stream_return_module',
  directives: [directive],
  createServer: () => ({ text: undefined }),
});

function sendValue(s: StreamSession): void {
  s.action = 'returning text';
  const text = returnModule.server(s).text?.evaluate(s) ?? '';
  if (text !== '') s.write(text);
  // What the client's socket does not take at once is sent before it is closed.
  finalizeSession(s, STREAM_OK);
}
