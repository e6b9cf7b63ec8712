/**
 * An executable for the tests of the process layer: tsresty's command line with one core module of its own, so that
 * they need no http. Its directives stand in the main context:
 *
 *   answer ADDRESS BODY [reuseport];   listens and answers each HTTP request with BODY and the process id
 *   counter NAME;                      a zone of one number: /count answers it increased
 *   agent [CONNECTIONS];               asks for a privileged agent
 *   init_fails MESSAGE;                fails in init_module
 *
 * Requests: `/` answers BODY; `/pid`; `/slow` answers after 300 ms; `/env/NAME`; `/throw`, `/reject`; `/count`.
 */
import { existsSync, realpathSync } from 'node:fs';
import { main } from '../../src/cli/main.ts';
import * as program from '../../src/cli/program.ts';
import type { Cycle } from '../../src/conf/cycle.ts';
import type { Directive } from '../../src/conf/directive.ts';
import type { CoreModule } from '../../src/conf/registry.ts';
import { cycleOf, requestZone } from '../../src/conf/resources.ts';
import { LOG_NOTICE } from '../../src/log/log.ts';
import { connections } from '../../src/net/activity.ts';
import type { Listening } from '../../src/net/listening.ts';
import type { AcceptedSocket, SocketOwner } from '../../src/net/socket.ts';

interface Zone {
  words: Int32Array;
}

interface Conf {
  counter?: { zone?: object };
}

class Connection implements SocketOwner {
  static readonly all = new Set<Connection>();
  private readonly socket: AcceptedSocket;
  private readonly cycle: Cycle;
  private readonly body: string;
  private busy = false;
  private requests = 0;
  private text = '';

  constructor(socket: AcceptedSocket, cycle: Cycle, body: string) {
    this.socket = socket;
    this.cycle = cycle;
    this.body = body;
    socket.owner = this;
    Connection.all.add(this);
    socket.resume();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.text += buffer.toString('latin1', start, end);
    if (!this.text.includes('\r\n\r\n')) return;
    const path = this.text.split(' ')[1]!;
    this.text = '';
    this.requests++;
    if (path === '/slow') {
      this.busy = true;
      setTimeout(() => this.answer(this.body), 300);
    } else if (path === '/throw') {
      this.answer('thrown');
      throw new Error('from a request');
    } else if (path === '/reject') {
      this.answer('rejected');
      void Promise.reject(new Error('rejected by a request'));
    } else if (path.startsWith('/env/')) this.answer(process.env[path.slice(5)] ?? '');
    else if (path === '/quit') {
      this.answer('quitting');
      this.cycle.control!.quit();
    } else if (path === '/pid') this.answer(`${process.pid} ${this.cycle.worker?.id}`);
    else if (path === '/cwd') this.answer(`${process.cwd()} ${process.getuid?.()}`);
    else if (path === '/count') this.answer(String(Atomics.add(this.words(), 100_000, 1) + 1));
    else this.answer(this.body);
  }

  private words(): Int32Array {
    return ((this.cycle.confs.get('hello') as Conf).counter!.zone as Zone).words;
  }

  private answer(body: string): void {
    this.busy = false;
    const close = this.cycle.exiting;
    const connection = close ? 'Connection: close\r\n' : '';
    this.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${connection}\r\n${body}`);
    if (close) this.socket.end();
  }

  closeIfIdle(): void {
    if (!this.busy && this.requests > 0) this.socket.end();
  }
  abort(): void {
    this.socket.destroy(true);
  }
  onEnd(): void {
    this.socket.end();
  }
  onError(): void {}
  onDrain(): void {}
  onClose(): void {
    Connection.all.delete(this);
  }
}

function listening(cycle: Cycle, address: string, body: string, options: readonly string[]): Listening {
  const unix = address.startsWith('unix:');
  const colon = address.lastIndexOf(':');
  return {
    kind: 'tcp',
    where: {
      family: unix ? 'unix' : address.startsWith('[') ? 'inet6' : 'inet',
      address: unix ? address.slice(5) : address.slice(0, colon).replace(/[[\]]/g, ''),
      port: unix ? 0 : Number(address.slice(colon + 1)),
      text: address,
    },
    options: { backlog: 511, reuseport: options.includes('reuseport'), ipv6only: true, deferred: false, bind: true },
    fds: [],
    accept: (socket) => void new Connection(socket, cycle, body),
  };
}

const directives: readonly Directive<Conf>[] = [
  {
    name: 'answer',
    contexts: ['main'],
    args: { min: 2 },
    set(cf, _conf, args) {
      const cycle = cycleOf(cf);
      cycle.listening.push(listening(cycle, args[0]!, args[1]!, args.slice(2)));
      return undefined;
    },
  },
  {
    name: 'counter',
    contexts: ['main'],
    args: 1,
    set(cf, conf, args) {
      conf.counter = requestZone(cf, args[0]!, 1 << 20, 'counter');
      return undefined;
    },
  },
  {
    name: 'init_fails',
    contexts: ['main'],
    args: 1,
    set(cf, _conf, args) {
      cycleOf(cf).hooks.initModule.push(() => {
        throw new Error(args[0]!);
      });
      return undefined;
    },
  },
  {
    name: 'agent',
    contexts: ['main'],
    args: [0, 1],
    set(cf, _conf, args) {
      const cycle = cycleOf(cf);
      cycle.hooks.initModule.push((stage) => {
        if (stage === 'master') cycle.privilegedAgent = { connections: Number(args[0] ?? 10) };
      });
      cycle.hooks.initProcess.push(({ kind, id }) => {
        cycle.log.write(LOG_NOTICE, `${kind} ${id} has uid ${process.getuid?.()} and limit ${connections.limit}`);
      });
      return undefined;
    },
  },
  {
    // Stops the process at the beginning of its work until a file is there.
    name: 'worker_waits_for',
    contexts: ['main'],
    args: 1,
    set(cf, _conf, args) {
      cycleOf(cf).hooks.initProcess.push(() => {
        const cell = new Int32Array(new SharedArrayBuffer(4));
        while (!existsSync(args[0]!)) Atomics.wait(cell, 0, 0, 10);
      });
      return undefined;
    },
  },
  {
    name: 'worker_fails',
    contexts: ['main'],
    args: 1,
    set(cf, _conf, args) {
      cycleOf(cf).hooks.initProcess.push(() => {
        throw new Error(args[0]!);
      });
      return undefined;
    },
  },
];

const hello: CoreModule = {
  name: 'hello',
  directives: directives as readonly Directive[],
  createConf(cycle): Conf {
    cycle.hooks.drain.push(() => {
      for (const connection of Connection.all) connection.closeIfIdle();
    });
    cycle.hooks.abort.push(() => {
      for (const connection of Connection.all) connection.abort();
    });
    return {};
  },
};

void main(
  { entry: realpathSync(process.argv[1]!), program: async () => ({ ...program, MODULES: [hello] }) },
  process.argv.slice(2),
);
