/** Applies a known difference to an answer that nginx 1.22 gave. */
import type { Answer, Known } from './case.ts';

/**
 * What all cases share: newer versions do not send `Connection: close` on their own, because it would keep connections
 * from being kept; and Host comes first.
 */
export function newer(recorded: Answer): Answer {
  const fix = (text: string): string =>
    text
      .replaceAll('\r\nConnection: close\r\n', '\r\n')
      .replace(
        /( HTTP\/1\.[01]\r\n)((?:[^\r]+\r\n)*?)(Host: [^\r]*\r\n)/g,
        (whole, line: string, before: string, host: string) => (before === '' ? whole : line + host + before),
      );
  return { ...recorded, backend: recorded.backend.map(fix) };
}

export function apply(recorded: Answer, known: Known | undefined): Answer {
  if (known === undefined) return recorded;
  const { because: _, edits, ...parts } = known;
  const edit = (text: string): string =>
    (edits ?? []).reduce(
      (out, [from, to]) => out.replaceAll(typeof from === 'string' ? from : new RegExp(from.source, 'g'), to),
      text,
    );
  const all = (texts: readonly string[]): string[] => texts.map(edit);
  return {
    ...recorded,
    text: all(recorded.text),
    backend: all(recorded.backend),
    log: all(recorded.log),
    ...(recorded.access === undefined ? {} : { access: all(recorded.access) }),
    ...parts,
  };
}
