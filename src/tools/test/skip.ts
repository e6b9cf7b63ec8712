/** Which blocks are left out, and why: the sections skip_nginx, skip_nginx2, skip_openssl, skip_eval, todo. */
import type { Block } from './block.ts';
import type { Interpreter } from './perl/interpreter.ts';
import { PerlDie, text, truth } from './perl/values.ts';
import { canonicalVersion, type Executable } from './settings.ts';

/** A block that does not run: how many checks count as left out, and why. */
export interface Skip {
  readonly kind: 'skip' | 'todo';
  /** Undefined: the block runs nevertheless (Test::Nginx needs a number of checks to skip). */
  readonly count: number | undefined;
  readonly reason: string;
}

const VERSION = '([<>]=?)\\s*(\\d+)\\.(\\d+)\\.(\\d+)';

function holds(version: number, op: string, other: number): boolean {
  if (op === '<') return version < other;
  if (op === '<=') return version <= other;
  return op === '>' ? version > other : version >= other;
}

/**
 * Whether a block is left out.
 * @throws Error for a section that does not say how many checks and when
 */
export function skipOf(block: Block, executable: Executable, perl: Interpreter, checkLeak: boolean): Skip | undefined {
  if (checkLeak && ['no_check_leak', 'reload_fails', 'http2'].some((name) => block.has(name))) {
    return { kind: 'skip', count: undefined, reason: 'not for the memory check' };
  }
  return byEval(block, perl) ?? byNginx(block, executable) ?? byOpenssl(block, executable) ?? byTodo(block, executable);
}

function section(block: Block, name: string, form: string): RegExpExecArray | undefined {
  const value = block.text(name);
  if (value === undefined) return undefined;
  const found = new RegExp(`^\\s*${form}\\s*$`, 's').exec(value);
  if (found === null) throw new Error(`Invalid --- ${name} spec: ${value}`);
  return found;
}

function byEval(block: Block, perl: Interpreter): Skip | undefined {
  const value = block.text('skip_eval');
  // A section without a number is ignored, as Test::Nginx does.
  const found = value === undefined ? null : /^\s*(\d+)\s*:\s*([\s\S]*)/.exec(value);
  if (found === null) return undefined;
  const values = perl.evalText(found[2]!, block.line, 'scalar');
  const failure = text(perl.scalar('@').v);
  if (failure !== '') throw new PerlDie(`skip_eval - failed to eval the Perl code "${found[2]}": ${failure}`);
  return truth(values.at(-1)) ? { kind: 'skip', count: Number(found[1]), reason: 'skip_eval' } : undefined;
}

function byNginx(block: Block, { nginxVersion }: Executable): Skip | undefined {
  const one = section(block, 'skip_nginx', `(\\d+)\\s*:\\s*${VERSION}(?:\\s*:\\s*(.*))?`);
  if (one !== undefined) {
    const [, count, op, a, b, c, why] = one;
    if (!holds(nginxVersion, op!, canonicalVersion(a!, b!, c!))) return undefined;
    return { kind: 'skip', count: Number(count), reason: why || `nginx version ${op} ${a}.${b}.${c}` };
  }
  const two = section(block, 'skip_nginx2', `(\\d+)\\s*:\\s*${VERSION}\\s*(or|and)\\s*${VERSION}(?:\\s*:\\s*(.*))?`);
  if (two === undefined) return undefined;
  const [, count, op, a, b, c, how, op2, a2, b2, c2, why] = two;
  const first = holds(nginxVersion, op!, canonicalVersion(a!, b!, c!));
  const second = holds(nginxVersion, op2!, canonicalVersion(a2!, b2!, c2!));
  if (!(how === 'or' ? first || second : first && second)) return undefined;
  return { kind: 'skip', count: Number(count), reason: why || 'various reasons' };
}

function byOpenssl(block: Block, { opensslVersion }: Executable): Skip | undefined {
  const found = section(block, 'skip_openssl', `(\\d+)\\s*:\\s*${VERSION}([a-z])?(?:\\s*:\\s*(.*))?`);
  if (found === undefined) return undefined;
  const [, count, op, a, b, c, letter, why] = found;
  if (opensslVersion === undefined)
    return { kind: 'skip', count: Number(count), reason: why || 'Not built with OpenSSL' };
  if (!holds(opensslVersion, op!, canonicalVersion(a!, b!, c!, letter))) return undefined;
  return { kind: 'skip', count: Number(count), reason: why || `OpenSSL version ${op} ${a}.${b}.${c}${letter ?? ''}` };
}

function byTodo(block: Block, { nginxVersion }: Executable): Skip | undefined {
  const byVersion = section(block, 'todo_nginx', `${VERSION}(?:\\s*:\\s*(.*))?`);
  if (byVersion !== undefined) {
    const [, op, a, b, c, why] = byVersion;
    if (holds(nginxVersion, op!, canonicalVersion(a!, b!, c!)))
      return { kind: 'todo', count: 1, reason: why || 'various reasons' };
  }
  const found = section(block, 'todo', '(\\d+)\\s*:\\s*(.*)');
  return found === undefined
    ? undefined
    : { kind: 'todo', count: Number(found[1]), reason: found[2] || 'various reasons' };
}
