/**
 * Runs blocks at one place: prepares the folder, starts the server, sends the requests, checks, stops the server. Blocks
 * without a configuration use the server of the block before them: those form a chain. Test::Nginx::Util(3).
 */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsPath } from '../../conf/glob.ts';
import type { Block } from './block.ts';
import {
  type CheckContext,
  checkAbsent,
  checkBody,
  checkGrep,
  checkHead,
  checkPresent,
  filterBody,
  isMissing,
  warnUnexpected,
} from './checks.ts';
import { send } from './client.ts';
import { resetRoot, writeConfiguration, writeUserFiles } from './configuration.ts';
import { curl } from './curl.ts';
import { type Expand, expander, randomPorts } from './expand.ts';
import { measureLeak } from './leak.ts';
import { LogReader, readFrom } from './log.ts';
import { Mocks } from './mock.ts';
import { PerlRegex, text } from './perl/values.ts';
import { type Exchange, exchangesOf } from './request.ts';
import { parseResponse, type Response } from './response.ts';
import { Results } from './results.ts';
import { Server, stopDaemon } from './server.ts';
import { type Executable, isOn, parseTime } from './settings.ts';
import { skipOf } from './skip.ts';
import type { TestFile } from './test-file.ts';

/** Attempts to start a server whose port is just being given back. */
const ATTEMPTS = 5;
/** Milliseconds for a server that must not start to say so. */
const DIE_LIMIT = 30_000;
/** How much longer lines that must be in the log are waited for, and how often it is read, in milliseconds. */
const LOG_LIMIT = 500;
const LOG_POLL = 25;
/** HUP mode: answers of the new configuration in a row, and how long to wait for them in milliseconds. */
const RELOADED = 10;
const RELOAD_LIMIT = 20_000;

/** What became of a block. */
export interface BlockOutcome {
  readonly block: Block;
  readonly results: Results;
  /** The whole log, and what the server wrote to standard error. */
  errorLog: string;
  output: string;
}

/** The block that a server ran last. */
interface Last {
  readonly block: Block;
  readonly outcome: BlockOutcome;
  readonly log: LogReader;
}

/** A place with its server, for the blocks of one file. */
export class Site {
  readonly #test: TestFile;
  readonly #executable: Executable;
  #server: Server | undefined;
  /** Whose expectations of the shutdown count when the server stops. */
  #last: Last | undefined;
  #dryRun: string | undefined;
  #ports: ReadonlyMap<string, number> = new Map();

  constructor(test: TestFile, executable: Executable) {
    this.#test = test;
    this.#executable = executable;
  }

  /** Runs a block. Whatever goes wrong is a failed result of it. */
  async run(block: Block): Promise<BlockOutcome> {
    const outcome: BlockOutcome = { block, results: new Results(), errorLog: '', output: '' };
    const name = `${block.file} ${block.title}`;
    block.set('name', [name]);
    try {
      await this.#run(block, outcome, name);
      for (const sub of this.#test.settings.testCleanupHandlers) this.#test.perl.call(sub, [block], 'scalar');
    } catch (error) {
      outcome.results.fail(`${name} - ${firstLine((error as Error).message)}`, (error as Error).message);
    }
    outcome.errorLog = readFrom(this.#errorLog(), 0);
    outcome.output = this.#server?.output ?? outcome.output;
    return outcome;
  }

  /** Stops the server, and checks what it logs at its end. */
  async stop(): Promise<void> {
    const last = this.#last;
    const server = this.#server;
    this.#last = this.#server = undefined;
    const { settings, perl } = this.#test;
    const asks = last !== undefined && asksForEnd(last.block);
    if (server !== undefined) {
      const inTime = await server.stop(asks ? 'SIGQUIT' : 'SIGTERM', settings.timeout * 1000);
      if (!inTime && asks) last?.outcome.results.warn('the server did not end in time');
    }
    if (last !== undefined) this.#checkEnd(last);
    for (const sub of settings.cleanupHandlers) perl.call(sub, [], 'scalar');
  }

  /**
   * Checks what the server has logged at its end; a server that goes on is not asked. A block that could not be served
   * is checked as well: Test::Nginx finds its lines missing.
   */
  #checkEnd({ block, outcome, log }: Last): void {
    if (!asksForEnd(block)) return;
    const { useHup, checkLeak } = this.#test.settings;
    const dryRun = useHup ? 'the reload mode' : checkLeak ? this.#dryRun : undefined;
    const context = { ...this.#context(block, outcome, this.#expand(), undefined, false), dryRun };
    const lines = log.lines();
    checkPresent(context, 'shutdown_error_log', 'error.log', lines);
    checkAbsent(context, 'no_shutdown_error_log', 'error.log', lines);
    outcome.errorLog = readFrom(this.#errorLog(), 0);
  }

  #errorLog(): string {
    return `${this.#test.place.root}/logs/error.log`;
  }

  #expand(): Expand {
    return expander(this.#test.perl, this.#ports, this.#test.place.root);
  }

  #context(
    block: Block,
    { results }: BlockOutcome,
    expand: Expand,
    round: number | undefined,
    several: boolean,
  ): CheckContext {
    const { place } = this.#test;
    const name = text(block.get('name'));
    return { block, name, results, expand, port: place.port, dryRun: this.#dryRun, round, several };
  }

  async #run(block: Block, outcome: BlockOutcome, name: string): Promise<void> {
    const { settings, perl, place } = this.#test;
    const { results } = outcome;
    const skip = skipOf(block, this.#executable, perl, settings.checkLeak);
    if (skip !== undefined && (skip.count !== undefined || settings.checkLeak)) {
      for (let i = 0; i < settings.repeatEach; i++) {
        if (skip.kind === 'todo') results.todo(`${name} - ${skip.reason}`, skip.count);
        else results.skip(`${name} - ${skip.reason}`, skip.count ?? 1);
      }
      return;
    }
    this.#dryRun = undefined;
    this.#ports = await randomPorts(block);
    const expand = this.#expand();
    if (block.has('must_die')) {
      await this.#mustDie(block, outcome, name, expand);
      return;
    }
    const log = new LogReader(this.#errorLog(), settings.checkAccumErrorLog);
    if (block.has('config')) await this.#serve(block, outcome, expand);
    else if (this.#server === undefined)
      throw new Error("No '--- config' section specified and could not get previous one.");
    this.#last = { block, outcome, log };
    const code = block.text('init');
    if (code !== undefined) {
      perl.evalText(code, block.line, 'scalar');
      const failure = text(perl.scalar('@').v);
      if (failure !== '') throw new Error(`init failed: ${failure}`);
    }
    for (let round = 0; round < settings.repeatEach; round++) {
      if (round > 0) writeUserFiles(block, place.root, expand);
      const mocks = settings.checkLeak ? undefined : await Mocks.start(block, perl, expand);
      try {
        await this.#round(block, outcome, expand, round, log);
        if (this.#dryRun === undefined) mocks?.check(block, name, results);
      } finally {
        mocks?.stop();
      }
    }
    const { exit } = this.#server ?? {};
    if (this.#dryRun === undefined && exit !== undefined)
      results.warn(`${name} - the server has ended with ${exit ?? 'a signal'}`);
  }

  /** Gets a server with the block's configuration to run. */
  async #serve(block: Block, outcome: BlockOutcome, expand: Expand): Promise<void> {
    const { settings, place } = this.#test;
    if (settings.useHup && this.#server !== undefined && this.#server.exit === undefined) {
      if (this.#last !== undefined) this.#checkEnd(this.#last);
      await this.#reload(block, expand);
      return;
    }
    await this.stop();
    for (let attempt = 1; ; attempt++) {
      this.#prepare(block, expand, settings.useHup ? newVersion() : undefined, { running: false, daemon: false });
      const server = this.#spawn(block);
      if (await server.ready()) {
        this.#server = server;
        await sleep(settings.sleep * 1000);
        return;
      }
      outcome.output = server.output;
      await server.stop('SIGTERM', 1000);
      const log = readFrom(this.#errorLog(), 0) + server.output;
      const missing = /\[emerg\] \S+?: unknown directive "([^"]+)"/.exec(log)?.[1];
      if (
        missing !== undefined &&
        isOn(text(this.#test.perl.hash('ENV').get('TEST_NGINX_IGNORE_MISSING_DIRECTIVES')))
      ) {
        this.#dryRun = `the lack of directive ${missing}`;
        return;
      }
      const taken = /bind\(\) to .* failed \(98/.test(log);
      if (!taken || attempt === ATTEMPTS) {
        outcome.errorLog = log;
        throw new Error(
          `Cannot start the server (it ended with ${server.exit ?? 'a signal'})${taken ? `: port ${place.port} is in use` : ''}`,
        );
      }
      await sleep(100 * attempt);
    }
  }

  #prepare(
    block: Block,
    expand: Expand,
    version: string | undefined,
    { running, daemon }: { readonly running: boolean; readonly daemon: boolean },
  ): void {
    const { settings, place, perl } = this.#test;
    resetRoot(place.root, running);
    const setup = block.text('post_setup_server_root');
    if (setup !== undefined) perl.evalText(setup, block.line, 'scalar');
    writeUserFiles(block, place.root, expand);
    const logLevel = (block.text('log_level') || settings.logLevel).trim();
    writeConfiguration(this.#test, block, {
      expand,
      executable: this.#executable,
      daemon,
      version,
      logLevel,
    });
  }

  #spawn(block: Block): Server {
    const { place, perl } = this.#test;
    return new Server({
      command: this.#executable.command,
      place,
      env: perl.env(),
      silent: block.has('suppress_stderr'),
    });
  }

  /** HUP mode: the running server takes the new configuration. */
  async #reload(block: Block, expand: Expand): Promise<void> {
    const { place, settings } = this.#test;
    const server = this.#server!;
    const version = newVersion();
    this.#prepare(block, expand, version, { running: true, daemon: false });
    server.signal('SIGUSR1');
    await sleep(settings.sleep * 1000);
    server.signal('SIGHUP');
    await sleep(settings.sleep * 3000);
    if (block.has('reload_fails')) {
      await sleep(300);
      return;
    }
    const until = Date.now() + RELOAD_LIMIT;
    for (let inARow = 0; inARow < RELOADED; ) {
      const asked = 'GET /ver HTTP/1.1\r\nHost: Test-Nginx\r\nConnection: close\r\n\r\n';
      const { data } = await send([{ data: asked, delay: undefined }], {
        host: '127.0.0.1',
        port: place.port,
        timeout: 2000,
        middleDelay: 0,
        shutdown: undefined,
      });
      if (data.endsWith(version)) inARow++;
      else {
        inARow = 0;
        if (Date.now() > until) throw new Error('failed to reload configuration');
        await sleep(settings.sleep * 1000);
      }
    }
  }

  /** The configuration must be refused: any exit code but 0, or the one that the section names. */
  async #mustDie(block: Block, outcome: BlockOutcome, name: string, expand: Expand): Promise<void> {
    const { settings, place } = this.#test;
    const { results } = outcome;
    await this.stop();
    // As a daemon, it tells by its exit code whether it serves.
    this.#prepare(block, expand, undefined, { running: false, daemon: true });
    const log = new LogReader(this.#errorLog(), settings.checkAccumErrorLog);
    const code = text(block.get('must_die')).trim();
    for (let round = 0; round < settings.repeatEach; round++) {
      const server = this.#spawn(block);
      const died = (await server.end(DIE_LIMIT)) && server.exit !== 0;
      const exit = died ? server.exit : 0;
      if (/^\d+$/.test(code)) {
        results.ok(
          exit === Number(code),
          `${name} - die with the expected exit code`,
          `exit code ${exit} instead of ${code}`,
        );
      } else results.ok(exit !== 0, `${name} - die as expected`, 'the server starts, and should not');
      if (!died) await stopDaemon(place.root, server);
      outcome.output += server.output;
      await sleep(settings.sleep * 3000);
      this.#checkErrorLog(this.#context(block, outcome, expand, round, false), log.lines());
    }
    this.#last = { block, outcome, log };
  }

  /** All requests of a block, once. */
  async #round(block: Block, outcome: BlockOutcome, expand: Expand, round: number, log: LogReader): Promise<void> {
    const { settings } = this.#test;
    const exchanges = exchangesOf(block, settings.serverName, expand);
    const total = exchanges.reduce((sum, one) => sum + one.responses, 0);
    if (settings.checkLeak) await this.#leak(exchanges[0]!, outcome, text(block.get('name')));
    const context = this.#context(block, outcome, expand, round, total > 1 || block.has('pipelined_requests'));
    const accessLog = `${this.#test.place.root}/logs/access.log`;
    const waited = block.text('wait');
    let index = 0;
    for (const exchange of exchanges) {
      let data: string | undefined = await this.#send(block, exchange, outcome);
      const isHead = /^\s*HEAD\s+/.test(exchange.packets.map((packet) => packet.data).join(''));
      for (let i = 0; i < exchange.responses; i++, index++) {
        if (!block.has('ignore_response'))
          data = this.#checkResponse(context, index, data ?? '', isHead, exchange.responses === 1);
        if (index === total - 1) break;
        if (waited !== undefined) await sleep(Number(waited) * 1000);
        await this.#checkLogs(context, log, accessLog);
      }
    }
    if (waited !== undefined) await sleep(Number(waited) * 1000);
    await this.#checkLogs(context, log, accessLog);
  }

  /** Gives what follows the response in the data. */
  #checkResponse(context: CheckContext, i: number, data: string, isHead: boolean, only: boolean): string | undefined {
    const { block, results, name } = context;
    const { perl } = this.#test;
    let response: Response | undefined;
    let left: string | undefined;
    if (context.dryRun === undefined) {
      if (block.has('http09')) response = { status: '200', head: '', fields: [], body: data };
      else {
        const parsed = parseResponse(data, isHead);
        ({ response, left } = parsed);
        if (parsed.fault !== '') results.fail(`${name} - ${parsed.fault}`, data);
        if (parsed.warning !== '') results.warn(`WARNING: ${name} - ${parsed.warning}`);
      }
      if (only && left !== undefined)
        results.warn(`WARNING: ${name} - unexpected extra bytes after last chunk in response: ${JSON.stringify(left)}`);
    }
    checkHead(context, i, response);
    if (response !== undefined) {
      const call = (code: Parameters<typeof perl.call>[0], body: string): string =>
        text(perl.call(code, [body], 'scalar').at(-1));
      filterBody(context, i, response, call, (kind, body) => createHash(kind).update(body, 'latin1').digest('hex'));
      const file = block.text('write_resp_body_file');
      if (file !== undefined) writeFileSync(fsPath(file.trim()), response.body, 'latin1');
    }
    checkBody(context, i, response);
    for (const sub of this.#test.settings.responseBodyChecks) {
      perl.call(sub, [block, response?.body, i, context.round, context.dryRun], 'scalar');
    }
    return left;
  }

  async #send(block: Block, { packets }: Exchange, outcome: BlockOutcome): Promise<string> {
    if (this.#dryRun !== undefined) return '';
    const { settings, place } = this.#test;
    const { results } = outcome;
    const name = text(block.get('name'));
    const time = block.text('timeout');
    const timeout = time === undefined ? settings.timeout : parseTime(time);
    if (block.has('http2')) {
      const { output, errors } = await curl(
        packets,
        place,
        timeout,
        block.text('curl_protocol') ?? 'http',
        block.text('curl_options'),
      );
      if (output === '') {
        const expected = block.get('curl_error');
        const good =
          expected !== undefined &&
          (expected instanceof PerlRegex ? expected.regex.match(errors) >= 0 : errors.includes(text(expected)));
        if (!good)
          results.fail(`${name} - curl generates ${errors === '' ? 'no stdout output' : `stderr output: ${errors}`}`);
      }
      return output;
    }
    const shutdown = block.text('shutdown')?.trim();
    const received = await send(packets, {
      host: block.text('server_addr_for_client')?.trim() ?? settings.serverAddr,
      port: place.port,
      timeout: timeout * 1000,
      middleDelay: Number(block.text('raw_request_middle_delay') ?? 0) * 1000,
      shutdown: shutdown === undefined ? undefined : shutdown === '' ? 1 : Number(shutdown),
    });
    if (received.timedOut) {
      if (block.has('abort')) await sleep(5);
      else results.fail(`ERROR: client socket timed out - ${name}`, received.data);
    }
    if (received.error !== undefined) results.warn(`WARNING: ${name} - HTTP response read failure: ${received.error}`);
    return received.data;
  }

  async #leak({ packets }: Exchange, { results }: BlockOutcome, name: string): Promise<void> {
    const env = this.#test.perl.hash('ENV');
    const count = Number(text(env.get('TEST_NGINX_CHECK_LEAK_COUNT')) || 100);
    const { samples, slope } = await measureLeak(packets, this.#test.place.port, this.#server!.pid, count);
    results.warn(
      `${name}\nLeakTest: [${samples.join(' ')}]\nLeakTest: k=${samples.length === 0 ? 'N/A' : slope.toFixed(1)}`,
    );
    const limit = text(env.get('TEST_NGINX_CHECK_LEAK_LIMIT'));
    if (limit !== '')
      results.ok(
        slope <= Number(limit),
        `${name} - memory growth`,
        `${slope.toFixed(1)} KB per sample, more than ${limit}`,
      );
    if (this.#server!.exit !== undefined) results.fail(`${name} - the nginx process is gone`);
    this.#dryRun = 'the "check leak" testing mode';
  }

  async #checkLogs(context: CheckContext, log: LogReader, accessLog: string): Promise<void> {
    const { block, dryRun } = context;
    const { settings } = this.#test;
    if (dryRun === undefined) {
      // Log phases run after the client has seen the end of the response, and machines are not always quick.
      await sleep(settings.sleep * 3000);
      for (const end = Date.now() + LOG_LIMIT; Date.now() < end && isMissing(block, 'error_log', log.peek()); )
        await sleep(LOG_POLL);
    }
    this.#checkErrorLog(context, dryRun === undefined || asksForLog(block) ? log.lines() : []);
    if (block.has('ignore_response')) return;
    if (!block.has('access_log') && !block.has('no_access_log')) return;
    const lines = readFrom(accessLog, 0).match(/[^\n]*\n|[^\n]+$/g) ?? [];
    checkPresent(context, 'access_log', 'access.log', lines);
    checkAbsent(context, 'no_access_log', 'access.log', lines);
  }

  #checkErrorLog(context: CheckContext, lines: readonly string[]): void {
    checkGrep(context, lines);
    checkPresent(context, 'error_log', 'error.log', lines);
    checkAbsent(context, 'no_error_log', 'error.log', lines);
    warnUnexpected(context, lines);
  }
}

/** Test::Nginx reads a log, and goes on behind it the next time, where it has something to look for. */
const asksForLog = (block: Block): boolean => block.has('error_log') || block.has('no_error_log');

const asksForEnd = (block: Block): boolean => block.has('shutdown_error_log') || block.has('no_shutdown_error_log');

const newVersion = (): string => randomBytes(5).toString('hex');

const firstLine = (message: string): string => message.trimEnd().split('\n')[0]!;
