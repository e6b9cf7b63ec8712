/** `rewrite`: a new URI, or a redirect. nginx: ngx_http_rewrite(), ngx_http_script_regex_start_code(), _end_code(). */
import type { ConfContext, Directive } from '../../../conf/directive.ts';
import { LOG_ERR, LOG_NOTICE } from '../../../log/log.ts';
import {
  DECLINED,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  OK,
} from '../../codes.ts';
import { escapeUri, unescapeUri } from '../../escape.ts';
import { setExtension } from '../../redirect.ts';
import { compileHttpRegex, type HttpRegex } from '../../regex.ts';
import { compileScript, evaluatePart, type ScriptPart } from '../../script.ts';
import { appendRewriteOp, END, type RewriteLocation, type RewriteOp, type RewriteRun } from './engine.ts';

/** What a replacement begins with that is a redirect by itself. */
export function isAbsolute(url: string): boolean {
  return url.startsWith('http://') || url.startsWith('https://') || url.startsWith('$scheme');
}

class Rewrite implements RewriteOp {
  readonly regex: HttpRegex;
  readonly parts: readonly ScriptPart[];
  /** Status of a redirect, or 0. */
  redirect = 0;
  breakCycle = false;
  /** Nothing after it is run when it matches. */
  last = false;
  /** The request's own arguments are added. */
  addArgs: boolean;
  /** The replacement has arguments. */
  hasArgs: boolean;

  constructor(regex: HttpRegex, parts: readonly ScriptPart[], addArgs: boolean, hasArgs: boolean) {
    this.regex = regex;
    this.parts = parts;
    this.addArgs = addArgs;
    this.hasArgs = hasArgs;
  }

  run(run: RewriteRun): void {
    const { r } = run;
    const subject = r.uri;
    const rc = this.regex.exec(r, subject);
    if (rc === DECLINED) {
      if (run.log) r.log(LOG_NOTICE, `"${this.regex.pattern}" does not match "${subject}"`);
      r.captures = undefined;
      return;
    }
    if (rc !== OK) {
      run.status = HTTP_INTERNAL_SERVER_ERROR;
      run.ip = END;
      return;
    }
    if (run.log) r.log(LOG_NOTICE, `"${this.regex.pattern}" matches "${subject}"`);
    if (this.redirect !== 0) run.status = this.redirect;
    r.internal = true;
    r.validUnparsedUri = false;
    if (this.breakCycle) {
      r.validLocation = false;
      r.uriChanged = false;
    } else {
      r.uriChanged = true;
    }
    run.quote = false;
    if (this.redirect !== 0) this.toLocation(run);
    else this.toUri(run);
    if (this.last) run.ip = END;
  }

  /** The replacement as a URL, with the escapes that a Location needs. */
  private toLocation(run: RewriteRun): void {
    const { r } = run;
    const escaping = r.quotedUri || r.plusInUri;
    let url = '';
    for (const part of this.parts) {
      const text = evaluatePart(r, part);
      url += escaping && part.kind === 'capture' ? escapeUri(text, 'args') : text;
    }
    url = unescapeUri(url, 'redirect');
    if (this.addArgs && r.args !== '') url += (this.hasArgs ? '&' : '?') + r.args;
    if (run.log) r.log(LOG_NOTICE, `rewritten redirect: "${url}"`);
    r.headersOut.list.remove('location');
    r.headersOut.list.add('Location', url, 'location');
  }

  private toUri(run: RewriteRun): void {
    const { r } = run;
    const escaping = r.quotedUri || r.plusInUri;
    let uri = '';
    let args: string | undefined;
    for (const part of this.parts) {
      if (part.kind === 'args') {
        args = '';
        continue;
      }
      const text = evaluatePart(r, part);
      if (args === undefined) uri += text;
      else args += escaping && part.kind === 'capture' ? escapeUri(text, 'args') : text;
    }
    if (args !== undefined) r.args = this.addArgs && r.args !== '' ? `${args}&${r.args}` : args;
    else if (!this.addArgs) r.args = '';
    if (run.log) r.log(LOG_NOTICE, `rewritten data: "${uri}", args: "${r.args}"`);
    r.uri = uri;
    if (uri === '') {
      r.log(LOG_ERR, 'the rewritten URI has a zero length');
      run.status = HTTP_INTERNAL_SERVER_ERROR;
      run.ip = END;
      return;
    }
    setExtension(r);
  }
}

function setRewrite(cf: ConfContext, conf: RewriteLocation, args: readonly string[]): string | undefined {
  let [pattern, replacement] = args as [string, string];
  const flag = args[2];
  if (replacement === '') return 'empty replacement';
  const regex = compileHttpRegex(cf, pattern, false);
  pattern = regex.pattern;
  // A question mark at the end drops the request's own arguments.
  const addArgs = !replacement.endsWith('?');
  if (!addArgs) replacement = replacement.slice(0, -1);
  let redirect = isAbsolute(replacement) ? HTTP_MOVED_TEMPORARILY : 0;
  let last = redirect !== 0;
  let breakCycle = false;
  if (flag !== undefined) {
    last = true;
    if (flag === 'break') breakCycle = true;
    else if (flag === 'redirect') redirect = HTTP_MOVED_TEMPORARILY;
    else if (flag === 'permanent') redirect = HTTP_MOVED_PERMANENTLY;
    else if (flag !== 'last') return `invalid parameter "${flag}"`;
  }
  const parts = compileScript(cf, replacement, redirect === 0);
  const hasArgs = parts.some((part) => part.kind === 'args' || (part.kind === 'text' && part.text.includes('?')));
  const op = new Rewrite(regex, parts, addArgs, hasArgs);
  op.redirect = redirect;
  op.breakCycle = breakCycle;
  op.last = last;
  appendRewriteOp(cf, conf, op);
  return undefined;
}

export const rewriteDirective: Directive<RewriteLocation> = {
  name: 'rewrite',
  contexts: ['server', 'if in server', 'location', 'if in location'],
  args: [2, 3],
  level: 'location',
  doc: 'Replaces a URI that matches, or redirects to a URL.',
  set: setRewrite,
};
