/**
 * From a URI to a file: `root`, `alias`, and the checks of `disable_symlinks`. nginx: ngx_http_map_uri_to_path(),
 * ngx_http_core_root(), ngx_http_set_disable_symlinks().
 */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { LOG_ALERT } from '../../log/log.ts';
import { type FileInfo, openCachedFile } from '../open-file-cache.ts';
import type { HttpRequest } from '../request.ts';
import { compileComplexValue } from '../script.ts';
import { ALIAS_WHOLE, type CoreLocation } from './conf.ts';
import { coreModule } from './module.ts';

/** $document_root: `root` or `alias` of the location, absolute. */
export function documentRoot(r: HttpRequest): string {
  return coreModule.location(r).root.evaluate(r);
}

/**
 * The path of the file that the URI names. Undefined (logged) when `alias` cannot be applied.
 *
 * @param uri another URI in place of the request's
 */
export function mapUriToPath(r: HttpRequest, uri: string = r.uri): string | undefined {
  const location = coreModule.location(r);
  const alias = location.alias;
  if (alias === 0) return location.root.evaluate(r) + uri;
  if (!r.validLocation) {
    r.log(LOG_ALERT, `"alias" cannot be used in location "${location.name}" where URI was rewritten`);
    return undefined;
  }
  const root = location.root.evaluate(r);
  if (alias === ALIAS_WHOLE) return r.addUriToAlias ? root + uri : root;
  return root + uri.slice(alias);
}

/** Looks at a file as the location's directives say. */
export function openFile(r: HttpRequest, path: string, testOnly: boolean): FileInfo {
  const location = coreModule.location(r);
  let disableSymlinks = location.disableSymlinks;
  let disableSymlinksFrom = 0;
  if (disableSymlinks !== 'off' && location.disableSymlinksFrom !== undefined) {
    const from = location.disableSymlinksFrom.evaluate(r);
    if (from !== '' && path.startsWith(from)) {
      if (from.length === path.length) disableSymlinks = 'off';
      else if (path[from.length] === '/') disableSymlinksFrom = from.length;
      else if (from.endsWith('/')) disableSymlinksFrom = from.length - 1;
    }
  }
  return openCachedFile(location.openFileCache, path, {
    testOnly,
    valid: location.openFileCacheValid,
    minUses: location.openFileCacheMinUses,
    errors: location.openFileCacheErrors,
    disableSymlinks,
    disableSymlinksFrom,
  });
}

function setRoot(cf: ConfContext, location: CoreLocation, args: readonly string[]): string | undefined {
  const isAlias = cf.name === 'alias';
  if (location.root !== undefined) {
    if ((location.alias !== 0) === isAlias) return 'is duplicate';
    const earlier = location.alias !== 0 ? 'alias' : 'root';
    return `"${cf.name}" directive is duplicate, "${earlier}" directive was specified earlier`;
  }
  if (location.named && isAlias) return 'the "alias" directive cannot be used inside the named location';
  let text = args[0] as string;
  for (const name of ['document_root', 'realpath_root']) {
    if (text.includes(`$${name}`) || text.includes(`\${${name}}`)) {
      return `the $${name} variable cannot be used in the "${cf.name}" directive`;
    }
  }
  location.alias = isAlias ? location.name.length : 0;
  if (!isAlias && text.endsWith('/')) text = text.slice(0, -1);
  if (isAlias && location.regex !== undefined) location.alias = ALIAS_WHOLE;
  location.root = compileComplexValue(cf, text, 'prefix');
  return undefined;
}

export const rootDirective: Directive<CoreLocation> = {
  name: 'root',
  contexts: ['http', 'server', 'location', 'if in location'],
  args: 1,
  level: 'location',
  doc: 'The folder that URIs are looked up in: the path is this value and the whole URI.',
  defaultText: 'html',
  set: setRoot,
};

export const aliasDirective: Directive<CoreLocation> = {
  name: 'alias',
  contexts: ['location'],
  args: 1,
  level: 'location',
  doc: "Takes the place of the location's name in the URI to give a path.",
  set: setRoot,
};
