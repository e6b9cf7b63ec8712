/** Replaces the beginning of a Location, a cookie's domain or its path. nginx: ngx_http_proxy_rewrite_*_handler(). */
import type { ConfContext } from '../../../conf/directive.ts';
import { OK } from '../../codes.ts';
import { compileHttpRegex, type HttpRegex } from '../../regex.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue } from '../../script.ts';
import type { Rewrite } from './conf.ts';

/**
 * `value` with the part from `from` rewritten, or undefined when the pattern does not apply.
 */
export function rewritePrefix(r: HttpRequest, rewrite: Rewrite, value: string, from: number): string | undefined {
  const subject = from === 0 ? value : value.slice(from);
  const head = from === 0 ? '' : value.slice(0, from);
  if (rewrite.kind === 'regex') {
    if ((rewrite.pattern as HttpRegex).exec(r, subject) !== OK) return undefined;
    return head + rewrite.replacement.evaluate(r);
  }
  const pattern = (rewrite.pattern as ComplexValue).evaluate(r);
  if (rewrite.kind === 'domain') {
    const dot = subject.startsWith('.') ? '.' : '';
    if (subject.slice(dot.length).toLowerCase() !== pattern.toLowerCase()) return undefined;
    return head + dot + rewrite.replacement.evaluate(r);
  }
  if (!subject.startsWith(pattern)) return undefined;
  return head + rewrite.replacement.evaluate(r) + subject.slice(pattern.length);
}

/** A rewrite from the words of a directive: a pattern, or `~` and an expression, and the replacement. */
export function compileRewrite(
  cf: ConfContext,
  pattern: string,
  replacement: string,
  kind: 'prefix' | 'domain',
): Rewrite {
  if (pattern.startsWith('~')) {
    // Domains are never case-sensitive.
    const caseless = kind === 'domain' || pattern.startsWith('~*');
    const source = pattern.slice(kind === 'prefix' && caseless ? 2 : 1);
    return {
      kind: 'regex',
      pattern: compileHttpRegex(cf, source, caseless),
      replacement: compileComplexValue(cf, replacement),
    };
  }
  const plain = (text: string) => (kind === 'domain' && text.startsWith('.') ? text.slice(1) : text);
  return {
    kind,
    pattern: compileComplexValue(cf, plain(pattern)),
    replacement: compileComplexValue(cf, plain(replacement)),
  };
}
