/** Runs one block: starts its server, makes its requests, compares, stops the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Block } from './block.ts';
import { checkAbsent, checkGrep, checkPresent, checkResponse, checkUnexpected } from './checks.ts';
import { exchange } from './exchange.ts';
import { makePrefix, type Prefix, readLog, removePrefix } from './prefix.ts';
import { type Exchange, exchangesOf } from './request.ts';
import { readResponses } from './response.ts';
import { Server } from './server.ts';
import { runStream } from './stream.ts';

/** Seconds a client waits unless the block says otherwise. */
const TIMEOUT = 10;
/** How long lines of a log may take to appear, in milliseconds. */
const LOG_LIMIT = 2000;
const POLL = 20;
/** How long a start that must fail may take, in milliseconds. */
const DIE_LIMIT = 5000;
/** Another process can take a free port before the server does. */
const ATTEMPTS = 3;

/** How to start servers. */
export interface Executable {
  /** The executable and its first arguments. */
  readonly command: readonly string[];
  /** Files for load_module. */
  readonly loadModules: readonly string[];
}

/** What became of a block. */
export interface Outcome {
  /** Empty when it passed. */
  readonly faults: readonly string[];
  /** The server's error.log, and what it wrote to its standard streams, to explain faults. */
  readonly errorLog: string;
  readonly output: string;
}

/** Never rejects: whatever goes wrong is a fault of the block. */
export async function runBlock(block: Block, executable: Executable): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptBlock(block, executable);
    const portTaken = /bind\(\) to .* failed \(98/.test(outcome.output) && !block.sections.has('must_die');
    if (!portTaken || attempt === ATTEMPTS) return outcome;
  }
}

async function attemptBlock(block: Block, executable: Executable): Promise<Outcome> {
  let prefix: Prefix;
  try {
    prefix = await makePrefix(block, executable.loadModules);
  } catch (error) {
    return { faults: [(error as Error).message], errorLog: '', output: '' };
  }
  const server = new Server(executable.command, prefix);
  const faults: string[] = [];
  try {
    if (block.sections.has('must_die')) await mustDie(block, prefix, server, faults);
    else if (await server.ready(prefix.port)) await serve(block, prefix, server, faults);
    else faults.push(server.exit === undefined ? 'the server accepts no connections' : 'the server does not start');
  } catch (error) {
    faults.push((error as Error).message);
  }
  await server.stop('SIGTERM');
  const outcome = { faults, errorLog: readLog(prefix, 'error.log'), output: server.output };
  removePrefix(prefix);
  return outcome;
}

/** The configuration must be refused: any exit code but 0, or the one that the section names. */
async function mustDie(block: Block, prefix: Prefix, server: Server, faults: string[]): Promise<void> {
  if (!(await server.end(DIE_LIMIT)) || server.exit === 0) {
    faults.push('the server starts, and should not');
    return;
  }
  const code = String(block.sections.get('must_die')).trim();
  if (/^\d+$/.test(code) && Number(code) !== server.exit) faults.push(`exit code ${server.exit} instead of ${code}`);
  checkLogs(block, prefix, server, faults);
}

async function serve(block: Block, prefix: Prefix, server: Server, faults: string[]): Promise<void> {
  const exchanges = exchangesOf(block, prefix.expand);
  let first = 0;
  for (const one of exchanges) {
    const found = await run(block, prefix, first, one);
    faults.push(...found.map((fault) => (exchanges.length > 1 ? `request ${first + 1}: ${fault}` : fault)));
    first += one.methods.length;
  }
  if (block.sections.has('stream_server_config')) {
    faults.push(...(await runStream(block, prefix.streamPort, prefix.expand, timeoutOf(block))));
  }
  await sleep(Number(block.sections.get('wait') ?? 0) * 1000);
  await logsComplete(block, prefix);
  if (server.exit !== undefined) faults.push(`the server has ended with code ${server.exit}`);
  checkLogs(block, prefix, server, faults);
  const { sections } = block;
  const present = sections.get('shutdown_error_log');
  const absent = sections.get('no_shutdown_error_log');
  if (present === undefined && absent === undefined) return;
  if (!(await server.stop('SIGQUIT'))) faults.push('the server does not end');
  const log = readLog(prefix, 'error.log');
  faults.push(...checkPresent(log, 'error.log', present, prefix.expand));
  faults.push(...checkAbsent(log, 'error.log', absent, prefix.expand));
}

/** How long a client waits, in milliseconds. */
function timeoutOf(block: Block): number {
  return Number(block.sections.get('timeout') ?? TIMEOUT) * 1000;
}

/** @param first index of the connection's first request among the block's */
async function run(block: Block, prefix: Prefix, first: number, one: Exchange): Promise<string[]> {
  const { sections } = block;
  const timeout = timeoutOf(block);
  const received = await exchange(prefix.port, one, timeout);
  const given = sections.has('abort');
  if (received.timedOut !== given) return [given ? 'no time limit was reached' : `no end within ${timeout / 1000} s`];
  if (given || sections.has('ignore_response')) return [];
  if (received.error !== undefined) return [`connection failed: ${received.error}`];
  const { list, fault } = readResponses(received.data, one.methods, received.closed);
  const faults = list.flatMap((response, i) => {
    if (i >= one.methods.length) return ['more responses than requests'];
    const found = checkResponse(block, first + i, response, prefix.expand);
    return one.methods.length > 1 ? found.map((text) => `response ${i + 1}: ${text}`) : found;
  });
  if (fault !== undefined) faults.push(fault);
  return faults;
}

/** Lines that a log phase or a timer writes may come after the response: gives them time, not more than needed. */
async function logsComplete(block: Block, prefix: Prefix): Promise<void> {
  for (const end = Date.now() + LOG_LIMIT; Date.now() < end && missing(block, prefix).length > 0; ) await sleep(POLL);
}

function missing(block: Block, prefix: Prefix): string[] {
  const { sections } = block;
  const log = readLog(prefix, 'error.log');
  return [
    ...checkPresent(log, 'error.log', sections.get('error_log'), prefix.expand),
    ...checkPresent(readLog(prefix, 'access.log'), 'access.log', sections.get('access_log'), prefix.expand),
    ...checkGrep(block, log, prefix.expand),
  ];
}

function checkLogs(block: Block, prefix: Prefix, server: Server, faults: string[]): void {
  const { sections } = block;
  // What stops a start is told to standard error, before there is a log.
  const log = sections.has('must_die') ? server.output + readLog(prefix, 'error.log') : readLog(prefix, 'error.log');
  faults.push(
    ...checkPresent(log, 'error.log', sections.get('error_log'), prefix.expand),
    ...checkAbsent(log, 'error.log', sections.get('no_error_log'), prefix.expand),
    ...checkGrep(block, log, prefix.expand),
  );
  if (!sections.has('must_die')) faults.push(...checkUnexpected(block, log));
  const access = readLog(prefix, 'access.log');
  faults.push(
    ...checkPresent(access, 'access.log', sections.get('access_log'), prefix.expand),
    ...checkAbsent(access, 'access.log', sections.get('no_access_log'), prefix.expand),
  );
}
