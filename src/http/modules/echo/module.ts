/**
 * echo-nginx-module: a small language for responses in the configuration, used most of all for testing.
 * Manual: https://github.com/openresty/echo-nginx-module
 */
import type { ArgumentRule, ConfContext, ConfStack, ContextName, Directive } from '../../../conf/directive.ts';
import { numSlot } from '../../../conf/slots.ts';
import { coreModule } from '../../core/module.ts';
import { httpOf } from '../../cycle.ts';
import type { HttpModuleSpec } from '../../module.ts';
import { type ComplexValue, compileComplexValue } from '../../script.ts';
import { runReadBody } from './body.ts';
import { type EchoCommand, type EchoLocation, type EchoMain, type EchoRun, echoModule } from './context.ts';
import { addEchoFilters } from './filter.ts';
import { runEnd, runForeachSplit } from './foreach.ts';
import { echoHandler } from './handler.ts';
import { runDuplicate, runEcho, runFlush, runRequestBody, runSync } from './output.ts';
import { runBlockingSleep, runResetTimer, runSleep } from './sleep.ts';
import { runExec, runLocation, runLocationAsync, runSubrequest, runSubrequestAsync } from './subrequest.ts';
import { echoVariables } from './variables.ts';

const CONTEXTS: readonly ContextName[] = ['location', 'if in location'];

/** Divides the words into options and arguments: options are leading words without variables that begin with a dash. */
function compileCommand(cf: ConfContext, run: EchoRun, words: readonly string[]): EchoCommand {
  const options: string[] = [];
  let i = 0;
  for (; i < words.length; i++) {
    const word = words[i] as string;
    if (word.length < 2 || !word.startsWith('-') || word.includes('$')) break;
    if (word.startsWith('--')) {
      i++;
      break;
    }
    options.push(word.slice(1));
  }
  const args: ComplexValue[] = words.slice(i).map((word) => compileComplexValue(cf, word));
  const literals = args.every((arg) => arg.literal !== undefined)
    ? args.map((arg) => arg.literal as string)
    : undefined;
  return { name: cf.name, run, options, args, literals };
}

/** Whether the command writes at once, or needs a place in the output's order before its subrequest writes. */
type Output = 'own' | 'sync' | 'none';

function command(name: string, args: ArgumentRule, run: EchoRun, output: Output, doc: string): Directive<EchoLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args,
    level: 'location',
    doc,
    set(cf, conf, words) {
      const first = conf.commands === undefined;
      conf.commands ??= [];
      if (first) coreModule.locationOf(cf.confs as ConfStack).handler = echoHandler;
      if (output !== 'none' && !conf.seenOutput) {
        conf.seenOutput = true;
        if (output === 'sync') conf.commands.push(compileCommand(cf, runSync, []));
      }
      conf.commands.push(compileCommand(cf, run, words));
      return undefined;
    },
  };
}

function filterCommand(name: string, field: 'before' | 'after', doc: string): Directive<EchoLocation> {
  return {
    name,
    contexts: CONTEXTS,
    args: { min: 0 },
    level: 'location',
    doc,
    set(cf, conf, words) {
      echoModule.mainOf(httpOf(cf).confs).filterUsed = true;
      conf[field] ??= [];
      conf[field].push(compileCommand(cf, runEcho, words));
      return undefined;
    },
  };
}

const directives: readonly Directive<EchoLocation>[] = [
  command(
    'echo',
    { min: 0 },
    runEcho,
    'own',
    'Writes the arguments, with spaces between them, and a line end (not with -n).',
  ),
  command('echo_request_body', 0, runRequestBody, 'own', 'Writes the request body that was read before.'),
  command('echo_sleep', 1, runSleep, 'none', 'Waits for so many seconds.'),
  command('echo_flush', 0, runFlush, 'own', 'Sends what was written so far.'),
  command('echo_blocking_sleep', 1, runBlockingSleep, 'none', 'Stops the whole worker for so many seconds.'),
  command('echo_reset_timer', 0, runResetTimer, 'none', 'Sets $echo_timer_elapsed to zero.'),
  filterCommand('echo_before_body', 'before', 'Text in front of whatever the location answers.'),
  filterCommand('echo_after_body', 'after', 'Text behind whatever the location answers.'),
  command(
    'echo_location_async',
    [1, 2],
    runLocationAsync,
    'sync',
    'A GET subrequest; what follows does not wait for it.',
  ),
  command('echo_location', [1, 2], runLocation, 'sync', 'A GET subrequest that what follows waits for.'),
  command(
    'echo_subrequest_async',
    { min: 2 },
    runSubrequestAsync,
    'sync',
    'A subrequest with method and body; what follows does not wait for it.',
  ),
  command(
    'echo_subrequest',
    { min: 2 },
    runSubrequest,
    'sync',
    'A subrequest with method and body that what follows waits for.',
  ),
  command('echo_duplicate', { min: 2 }, runDuplicate, 'own', 'Writes a string so many times.'),
  command('echo_read_request_body', 0, runReadBody, 'none', 'Reads the request body.'),
  command(
    'echo_foreach_split',
    { min: 2 },
    runForeachSplit,
    'none',
    'Repeats what follows, up to echo_end, for each part of a string, which is in $echo_it.',
  ),
  command('echo_end', 0, runEnd, 'none', 'Ends what echo_foreach_split repeats.'),
  command('echo_exec', [1, 2], runExec, 'none', 'Goes on in another location.'),
  numSlot<EchoLocation>('echo_status', CONTEXTS, 'location', 'status', 200, 'Status of the response.'),
];

Object.assign(echoModule, {
  directives,
  variables: echoVariables,
  createMain: () => ({ filterUsed: false }),
  createLocation: () =>
    ({
      commands: undefined,
      before: undefined,
      after: undefined,
      seenOutput: false,
      status: undefined,
    }) as unknown as EchoLocation,
  mergeLocation(parent, conf) {
    if (conf.commands === undefined) {
      conf.commands = parent.commands;
      conf.seenOutput = parent.seenOutput;
    }
    conf.before ??= parent.before;
    conf.after ??= parent.after;
  },
  postconfiguration(http) {
    if (echoModule.mainOf(http.confs).filterUsed) addEchoFilters(http);
  },
} satisfies Partial<HttpModuleSpec<EchoMain, object, EchoLocation>>);

export { echoModule };
