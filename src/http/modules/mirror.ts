/** `mirror`: copies of requests to other locations, whose answers nobody waits for. nginx: src/http/modules/ngx_http_mirror_module.c. */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { flagSlot } from '../../conf/slots.ts';
import { DECLINED, DONE, ERROR, HTTP_INTERNAL_SERVER_ERROR, HTTP_SPECIAL_RESPONSE } from '../codes.ts';
import { httpOf } from '../cycle.ts';
import { runPhases } from '../engine.ts';
import { finalizeRequest } from '../finalize.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import { createSubrequest } from '../subrequest.ts';

interface MirrorMain {
  used: boolean;
}

interface MirrorLocation {
  /** Empty for `off`. */
  uris: readonly string[] | undefined;
  requestBody: boolean;
}

/** Set once the body is being read; what the handler returns when it is called again. */
interface MirrorContext {
  status: number;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function sendCopies(r: HttpRequest): number {
  for (const uri of mirrorModule.location(r).uris ?? []) {
    const sr = createSubrequest(r, uri, r.args, { background: true });
    if (sr === undefined) return HTTP_INTERNAL_SERVER_ERROR;
    sr.headerOnly = true;
    sr.method = r.method;
    sr.methodName = r.methodName;
  }
  return DECLINED;
}

function afterBody(r: HttpRequest): void {
  (mirrorModule.context(r) as MirrorContext).status = sendCopies(r);
  r.preserveBody = true;
  r.writeEventHandler = runPhases;
  runPhases(r);
}

function mirrorHandler(r: HttpRequest): number {
  if (r !== r.main) return DECLINED;
  const { uris, requestBody } = mirrorModule.location(r);
  if (uris === undefined || uris.length === 0) return DECLINED;
  if (!requestBody) return sendCopies(r);
  const ctx = mirrorModule.context(r);
  if (ctx !== undefined) return ctx.status;
  mirrorModule.setContext(r, { status: DONE });
  const rc = r.connection.readBody(r, afterBody);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  finalizeRequest(r, DONE);
  return DONE;
}

function setMirror(cf: ConfContext, conf: MirrorLocation, args: readonly string[]): string | undefined {
  const uri = args[0] as string;
  if (uri === 'off') {
    if (conf.uris !== undefined) return 'is duplicate';
    conf.uris = [];
    return undefined;
  }
  if (conf.uris?.length === 0) return 'is duplicate';
  conf.uris = [...(conf.uris ?? []), uri];
  mirrorModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

const directives: readonly Directive<MirrorLocation>[] = [
  {
    name: 'mirror',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'uris', default: undefined },
    doc: 'A URI that a copy of each request goes to.',
    defaultText: 'off',
    set: setMirror,
  },
  flagSlot<MirrorLocation>('mirror_request_body', CONTEXTS, 'location', 'requestBody', true, {
    doc: 'Whether the body is read first and copied, too.',
    defaultText: 'on',
  }),
];

export const mirrorModule = httpModule<MirrorMain, object, MirrorLocation, MirrorContext>({
  name: 'ngx_http_mirror_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ uris: undefined, requestBody: undefined }) as unknown as MirrorLocation,
  postconfiguration(http) {
    if (mirrorModule.mainOf(http.confs).used) http.handlers.precontent.push(mirrorHandler);
  },
});
