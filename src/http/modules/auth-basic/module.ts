/** `auth_basic`: names and passwords of a file. nginx: src/http/modules/ngx_http_auth_basic_module.c. */
import { readFileSync } from 'node:fs';
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { errnoOf, errnoSuffix } from '../../../log/errno.ts';
import { LOG_CRIT, LOG_ERR, LOG_INFO } from '../../../log/log.ts';
import { DECLINED, HTTP_FORBIDDEN, HTTP_INTERNAL_SERVER_ERROR, HTTP_UNAUTHORIZED, OK } from '../../codes.ts';
import { remoteUser } from '../../core/remote-user.ts';
import { httpOf } from '../../cycle.ts';
import { fsPath } from '../../fs-path.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue, complexValueSlot } from '../../script.ts';
import { CryptError, crypt } from './crypt.ts';

interface AuthBasicMain {
  used: boolean;
}

interface AuthBasicLocation {
  realm: ComplexValue | undefined;
  userFile: ComplexValue | undefined;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location', 'limit_except'];

function unauthorized(r: HttpRequest, realm: string): number {
  r.headersOut.list.add('WWW-Authenticate', `Basic realm="${realm}"`, 'www-authenticate');
  return HTTP_UNAUTHORIZED;
}

/** The hash of a user in the file's text: from the colon behind the name to the next colon or the line's end. */
function findHash(text: string, user: string): string | undefined {
  const wanted = `${user}:`;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    if (text[start] !== '#' && text.startsWith(wanted, start)) {
      return /[^\r\n:]*/.exec(text.slice(start + wanted.length, end))?.[0];
    }
    // A line that ends in the middle of the name takes the next one with it, in nginx.
    const cut = end > start && end - start < wanted.length && text[start] !== '#';
    if (cut && wanted.startsWith(text.slice(start, end))) {
      end = text.indexOf('\n', end + 1);
      if (end < 0) return undefined;
    }
    start = end + 1;
  }
  return undefined;
}

function check(r: HttpRequest, user: string, hash: string, realm: string): number {
  let made: string;
  try {
    made = crypt(r.headersIn.password ?? '', hash);
  } catch (e) {
    if (!(e instanceof CryptError)) throw e;
    r.log(LOG_CRIT, e.message);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (made === hash) return OK;
  r.log(LOG_ERR, `user "${user}": password mismatch`);
  return unauthorized(r, realm);
}

function authBasicHandler(r: HttpRequest): number {
  const conf = authBasicModule.location(r);
  if (conf.realm === undefined || conf.userFile === undefined) return DECLINED;
  const realm = conf.realm.evaluate(r);
  if (realm === 'off') return DECLINED;
  const user = remoteUser(r);
  if (user === null) {
    r.log(LOG_INFO, 'no user/password was provided for basic authentication');
    return unauthorized(r, realm);
  }
  const path = conf.userFile.evaluate(r);
  let text: string;
  try {
    text = readFileSync(fsPath(path), 'latin1');
  } catch (e) {
    const error = errnoOf(e);
    const call = (e as NodeJS.ErrnoException).syscall === 'read' ? 'pread()' : 'open()';
    r.log(error === 'ENOENT' ? LOG_ERR : LOG_CRIT, `${call} "${path}" failed${errnoSuffix(error)}`);
    return error === 'ENOENT' ? HTTP_FORBIDDEN : HTTP_INTERNAL_SERVER_ERROR;
  }
  const hash = findHash(text, user);
  if (hash !== undefined) return check(r, user, hash, realm);
  r.log(LOG_ERR, `user "${user}" was not found in "${path}"`);
  return unauthorized(r, realm);
}

function setUserFile(cf: ConfContext, conf: AuthBasicLocation, args: readonly string[]): string | undefined {
  if (conf.userFile !== undefined) return 'is duplicate';
  conf.userFile = compileComplexValue(cf, args[0] as string, 'conf');
  return undefined;
}

const directives: readonly Directive<AuthBasicLocation>[] = [
  complexValueSlot<AuthBasicLocation>('auth_basic', CONTEXTS, 'location', 'realm', undefined, {
    doc: 'Asks for a name and a password; the word is shown to the user. `off`: lets everybody in.',
    defaultText: 'off',
    post(cf) {
      authBasicModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
  {
    name: 'auth_basic_user_file',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'userFile', default: undefined },
    doc: 'The file with lines of `name:hash`.',
    set: setUserFile,
  },
];

export const authBasicModule = httpModule<AuthBasicMain, object, AuthBasicLocation>({
  name: 'ngx_http_auth_basic_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ realm: undefined, userFile: undefined }),
  postconfiguration(http) {
    if (authBasicModule.mainOf(http.confs).used) http.handlers.access.push(authBasicHandler);
  },
});
