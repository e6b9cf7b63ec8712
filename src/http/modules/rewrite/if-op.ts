/** `if`: steps and configuration under a condition. nginx: ngx_http_rewrite_if(), ngx_http_rewrite_if_condition(). */
import type { ConfContext, ConfStack, Directive } from '../../../conf/directive.ts';
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_CRIT, LOG_NOTICE } from '../../../log/log.ts';
import { DECLINED, HTTP_INTERNAL_SERVER_ERROR, OK } from '../../codes.ts';
import { addLocation, createLocationConfs } from '../../core/blocks.ts';
import { updateLocationConfig } from '../../core/location.ts';
import { coreModule } from '../../core/module.ts';
import { openFile } from '../../core/path.ts';
import { httpOf } from '../../cycle.ts';
import { compileHttpRegex, type HttpRegex } from '../../regex.ts';
import { compileScript, isTrue, type ScriptPart } from '../../script.ts';
import { getFlushed, getVariableIndex } from '../../variables.ts';
import {
  appendRewriteOp,
  END,
  evaluateParts,
  type RewriteLocation,
  type RewriteOp,
  type RewriteRun,
  rewriteModule,
} from './engine.ts';

/** Undefined when the run is over. */
type Condition = (run: RewriteRun) => boolean | undefined;

class If implements RewriteOp {
  readonly #condition: Condition;
  /** Of the block's location; undefined for an `if` in a server. */
  readonly #confs: unknown[] | undefined;
  /** Index of the first step behind the block. */
  next = 0;

  constructor(condition: Condition, confs: unknown[] | undefined) {
    this.#condition = condition;
    this.#confs = confs;
  }

  run(run: RewriteRun): void {
    const holds = this.#condition(run);
    if (holds === undefined) return;
    if (!holds) {
      run.ip = this.next;
    } else if (this.#confs !== undefined) {
      run.r.locConf = this.#confs;
      updateLocationConfig(run.r);
    }
  }
}

function regexCondition(index: number, regex: HttpRegex, negative: boolean): Condition {
  return (run) => {
    const { r } = run;
    const subject = getFlushed(r, index) ?? '';
    const rc = regex.exec(r, subject);
    if (rc === OK) {
      if (run.log) r.log(LOG_NOTICE, `"${regex.pattern}" matches "${subject}"`);
      return !negative;
    }
    if (rc === DECLINED) {
      if (run.log) r.log(LOG_NOTICE, `"${regex.pattern}" does not match "${subject}"`);
      r.captures = undefined;
      return negative;
    }
    run.status = HTTP_INTERNAL_SERVER_ERROR;
    run.ip = END;
    return undefined;
  };
}

/** Failures that mean no more than that there is no such file. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

function fileCondition(kind: string, parts: readonly ScriptPart[], negative: boolean): Condition {
  return (run) => {
    const { r } = run;
    const path = evaluateParts(r, parts, run.quote);
    const file = openFile(r, path, true);
    if (file.error !== '' && !ABSENT.has(file.error)) {
      r.log(LOG_CRIT, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
    }
    let holds = file.error === '';
    if (holds && kind === 'f') holds = file.isFile;
    else if (holds && kind === 'd') holds = file.isDir;
    else if (holds && kind === 'x') holds = file.isExec;
    else if (holds) holds = file.isFile || file.isDir;
    return holds !== negative;
  };
}

function variableCondition(cf: ConfContext, words: readonly string[]): Condition {
  const [variable, operator, operand] = words as [string, string | undefined, string];
  const name = variable.slice(1);
  const index = getVariableIndex(httpOf(cf), name);
  switch (operator) {
    case undefined:
      return ({ r }) => isTrue(getFlushed(r, index) ?? '');
    case '=':
    case '!=': {
      const parts = compileScript(cf, operand);
      const equal = operator === '=';
      return (run) => {
        const value = getFlushed(run.r, index) ?? '';
        return (value === evaluateParts(run.r, parts, run.quote)) === equal;
      };
    }
    case '~':
    case '~*':
    case '!~':
    case '!~*':
      return regexCondition(index, compileHttpRegex(cf, operand, operator.endsWith('*')), operator.startsWith('!'));
    default:
      throw cf.error(`unexpected "${operator}" in condition`);
  }
}

/** Reads the words between the parentheses. */
function parseCondition(cf: ConfContext, args: readonly string[]): Condition {
  const words = [...args];
  let current = 0;
  let last = words.length - 1;
  const first = words[0] as string;
  if (!first.startsWith('(')) throw cf.error(`invalid condition "${first}"`);
  if (first.length === 1) current = 1;
  else words[0] = first.slice(1);
  const end = words[last] as string;
  if (!end.endsWith(')')) throw cf.error(`invalid condition "${end}"`);
  if (end.length === 1) last--;
  else words[last] = end.slice(0, -1);
  const word = words[current] as string;
  if (word.length > 1 && word.startsWith('$')) {
    if (current !== last && current + 2 !== last) throw cf.error(`invalid condition "${word}"`);
    return variableCondition(cf, words.slice(current, last + 1));
  }
  const test = /^(!?)-(.)$/s.exec(word);
  if (test !== null && current + 1 === last) {
    const parts = compileScript(cf, words[last] as string);
    const kind = test[2] as string;
    if ('fdex'.includes(kind)) return fileCondition(kind, parts, test[1] === '!');
  }
  throw cf.error(`invalid condition "${word}"`);
}

function setIf(cf: ConfContext, conf: RewriteLocation, args: readonly string[]): undefined {
  const outerConfs = cf.confs as ConfStack;
  const confs = createLocationConfs(httpOf(cf), outerConfs);
  const outer = coreModule.locationOf(outerConfs);
  const location = coreModule.locationOf(confs);
  location.name = outer.name;
  location.noname = true;
  addLocation(cf, outer, confs);
  const inServer = cf.context === 'server';
  const op = new If(parseCondition(cf, args), inServer ? undefined : confs.location);
  appendRewriteOp(cf, conf, op);
  // The steps inside go to the list of the block around it.
  const inner = rewriteModule.locationOf(confs);
  inner.ops = conf.ops;
  cf.parseBlock(inServer ? 'if in server' : 'if in location', confs);
  inner.ops = undefined;
  op.next = (conf.ops as RewriteOp[]).length;
}

export const ifDirective: Directive<RewriteLocation> = {
  name: 'if',
  contexts: ['server', 'location'],
  args: { min: 1 },
  block: 'conf',
  level: 'location',
  doc: 'Steps, and configuration, for requests that meet a condition.',
  set: setIf,
};
