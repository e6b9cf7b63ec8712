/** Drives a headless Chromium by its DevTools protocol over a pipe: zero-terminated JSON on descriptors 3 and 4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** The browser's executable, or undefined where none is installed. */
export function findChromium(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(folder, name);
      if (existsSync(path)) return path;
    }
  }
  return undefined;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** What Runtime.evaluate says. */
interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

export class Chromium {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;
  #page = '';
  #errors = '';

  private constructor(executable: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'tsresty-chromium-'));
    this.#child = spawn(
      executable,
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
        ...['--ignore-certificate-errors', '--remote-debugging-pipe', `--user-data-dir=${this.#profile}`],
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] },
    );
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    const gone = (): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`Chromium has gone\n${this.#errors}`));
      this.#waiting.clear();
    };
    this.#child.once('error', gone).once('exit', gone);
    let text = '';
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      for (let end = text.indexOf('\0'); end >= 0; end = text.indexOf('\0')) {
        this.#take(JSON.parse(text.slice(0, end)) as Answer);
        text = text.slice(end + 1);
      }
    });
    this.#pipe.on('error', gone);
  }

  get #pipe(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  #take({ id, result, error }: Answer): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id as number);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error.message));
  }

  #send(method: string, params: object): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const session = this.#page === '' ? {} : { sessionId: this.#page };
      this.#pipe.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    });
  }

  /** Starts it and opens a page. */
  static async start(executable: string, url: string): Promise<Chromium> {
    const browser = new Chromium(executable);
    const { targetId } = (await browser.#send('Target.createTarget', { url: 'about:blank' })) as { targetId: string };
    const attached = await browser.#send('Target.attachToTarget', { targetId, flatten: true });
    browser.#page = (attached as { sessionId: string }).sessionId;
    const { errorText } = (await browser.#send('Page.navigate', { url })) as { errorText?: string };
    if (errorText !== undefined) {
      await browser.stop();
      throw new Error(`${url}: ${errorText}`);
    }
    await browser.run('new Promise((done) => document.readyState === "complete" ? done() : (onload = () => done()))');
    return browser;
  }

  /** Evaluates an expression in the page; of a promise, what it resolves to. */
  async run(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails: thrown } = (await this.#send('Runtime.evaluate', params)) as Evaluated;
    if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
    return result.value;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    // Its children may still be writing: what was empty a moment ago is not any more.
    for (let tries = 0; ; tries++) {
      try {
        rmSync(this.#profile, { recursive: true, force: true });
        return;
      } catch (e) {
        if (tries === 100 || (e as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw e;
        await sleep(100);
      }
    }
  }
}
