/** Blocks, levels, pairs, Lua blocks and what setters see; messages are checked in broken.test.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Cycle } from '../../src/conf/cycle.ts';
import type { ConfStack, Directive } from '../../src/conf/directive.ts';
import { dumpConfiguration } from '../../src/conf/dump.ts';
import { loadCycle } from '../../src/conf/load.ts';
import { coreConf } from '../../src/conf/modules/core.ts';
import { errlogConf } from '../../src/conf/modules/errlog.ts';
import { eventsConf } from '../../src/conf/modules/events.ts';
import type { CoreModule } from '../../src/conf/registry.ts';

const dir = mkdtempSync(join(tmpdir(), 'tsresty-parser-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function load(text: string, modules: readonly CoreModule[] = [], reports: string[] = []): Cycle {
  writeFileSync(join(dir, 'nginx.conf'), text, 'latin1');
  return loadCycle({
    prefix: dir,
    confFile: 'nginx.conf',
    modules,
    testOnly: true,
    report: (level, message) => reports.push(`${level}: ${message}`),
  });
}

interface Seen {
  readonly log: string[];
  stack?: ConfStack;
}

/** A subsystem with one module, of which each directive notes what it was given. */
function testModule(seen: Seen): CoreModule {
  const note =
    (extra?: (line: string) => void): Directive<string>['set'] =>
    (cf, conf, args) => {
      const line = `${cf.name} ${args.join(',')} @${conf} in ${cf.context}:${cf.line}`;
      seen.log.push(line);
      extra?.(line);
      return undefined;
    };
  const sub: Directive<string>[] = [
    { name: 'a', contexts: ['http', 'server'], args: [1, 2], level: 'server', set: note() },
    { name: 'm', contexts: ['http'], args: 1, level: 'main', set: note() },
    { name: 'any_number', contexts: ['http'], args: { min: 2, max: 3 }, level: 'main', set: note() },
    { name: 'bad', contexts: ['http'], args: 1, level: 'main', set: (_cf, _conf, args) => args[0] },
    {
      name: 'server',
      contexts: ['http'],
      args: 0,
      block: 'conf',
      level: 'server',
      set(cf) {
        const before = cf.line;
        cf.parseBlock('server', { ...cf.confs!, server: ['inner server'] });
        seen.log.push(`server ${before}-${cf.line} context ${cf.context}`);
        return undefined;
      },
    },
    {
      name: 'map',
      contexts: ['http'],
      args: 0,
      block: 'pairs',
      level: 'main',
      set(cf) {
        for (const { words, line } of cf.pairs!) seen.log.push(`pair ${words.join('=')}:${line}`);
        return undefined;
      },
    },
    {
      name: 'charset_map',
      contexts: ['http'],
      args: 0,
      block: 'pairs',
      level: 'main',
      set(cf) {
        cf.eachPair(({ words }) => (words[0] === 'wrong' ? 'wrong pair' : void seen.log.push(words.join('='))));
        return undefined;
      },
    },
    {
      name: 'x_by_lua_block',
      contexts: ['http'],
      args: [0, 1],
      block: 'lua',
      level: 'main',
      set(cf, _conf, args) {
        seen.log.push(`lua ${args.join()} ${cf.luaSource!.line}-${cf.line}: ${cf.luaSource!.code}`);
        return cf.luaSource!.code.includes('twice') ? 'is duplicate' : undefined;
      },
    },
    { name: 'unread', contexts: ['http'], args: 0, block: 'conf', level: 'main', set: () => undefined },
  ];
  return {
    name: 'http',
    directives: [
      {
        name: 'http',
        contexts: ['main'],
        args: 0,
        block: 'conf',
        set(cf) {
          seen.stack = { main: ['main'], server: ['server'], location: ['location'] };
          cf.parseBlock('http', seen.stack);
          return undefined;
        },
      },
    ],
    submodules: [{ name: 'ngx_test_module', directives: sub as unknown as Directive[] }],
  };
}

function run(http: string): string[] {
  const seen: Seen = { log: [] };
  load(`events {}\nhttp {\n${http}\n}\n`, [testModule(seen)]);
  return seen.log;
}

describe('parser', () => {
  it('gives each setter its level and the right block', () => {
    assert.deepEqual(run('a 1;\nm 2;\nserver {\n a 3 4;\n}\na 5;'), [
      'a 1 @server in http:3',
      'm 2 @main in http:4',
      'a 3,4 @inner server in server:6',
      'server 5-7 context http',
      'a 5 @server in http:8',
    ]);
  });

  it('checks counts and contexts', () => {
    assert.throws(() => run('a;'), /invalid number of arguments in "a" directive in .*nginx.conf:3/);
    assert.throws(() => run('any_number 1;'), /invalid number of arguments/);
    assert.throws(() => run('any_number 1 2 3 4;'), /invalid number of arguments/);
    assert.deepEqual(run('any_number 1 2;'), ['any_number 1,2 @main in http:3']);
    assert.throws(() => run('server { m 1; }'), /"m" directive is not allowed here/);
  });

  it('completes messages without a subject', () => {
    assert.throws(() => run('bad "is duplicate";'), { message: `"bad" directive is duplicate in ${dir}/nginx.conf:3` });
    assert.throws(() => run('bad "invalid value";'), {
      message: `"bad" directive invalid value in ${dir}/nginx.conf:3`,
    });
    assert.throws(() => run('bad "invalid value \\"x\\"";'), { message: `invalid value "x" in ${dir}/nginx.conf:3` });
  });

  it('reads pairs', () => {
    writeFileSync(join(dir, 'pairs'), 'c d;\n\ne f;');
    assert.deepEqual(run('map {\n a b;\n include pairs;\n "x y" z;\n}'), [
      'pair a=b:4',
      'pair c=d:1',
      'pair e=f:3',
      'pair x y=z:6',
    ]);
    assert.deepEqual(run('charset_map { include pairs; }'), ['include=pairs']);
    assert.throws(() => run('charset_map {\n a;\n wrong;\n b'), /wrong pair in .*:5/);
    assert.throws(() => run('map { a { } }'), /unexpected "\{" in/);
    assert.throws(() => run('map { a b; '), /unexpected end of file, expecting "}"/);
  });

  it('reads Lua', () => {
    assert.deepEqual(run('x_by_lua_block $a { return {\n"}"} }\nm 1;'), [
      'lua $a 3-4:  return {\n"}"} ',
      'm 1 @main in http:5',
    ]);
    assert.throws(() => run('x_by_lua_block { twice }'), { message: `is duplicate in ${dir}/nginx.conf:3` });
    assert.throws(() => run('x_by_lua_block;'), /directive "x_by_lua_block" has no opening "\{"/);
  });

  it('notices a block that nobody read', () => {
    assert.throws(() => run('unread { }'), /did not read its block/);
  });

  it('tells unsupported from unknown', () => {
    assert.throws(() => run('sendfile on;'), {
      message: `"sendfile" directive is not supported yet by tsresty (ngx_http_core_module) in ${dir}/nginx.conf:3`,
    });
    assert.throws(() => run('sendfile on off;'), /invalid number of arguments in "sendfile" directive/);
    assert.throws(() => run('sendfile on {}'), /directive "sendfile" is not terminated by ";"/);
    assert.throws(() => run('return 200;'), /"return" directive is not allowed here/);
    assert.throws(() => run('sendfiles on;'), /unknown directive "sendfiles"/);
  });

  it('stops at an endless include', () => {
    writeFileSync(join(dir, 'endless'), 'include endless;');
    assert.throws(() => load('include endless;'), /open\(\) "[^"]*\/endless" failed \(24: Too many open files\)/);
  });
});

describe('loadCycle', () => {
  it('fills the main settings', () => {
    const reports: string[] = [];
    const cycle = load(
      'daemon off; worker_processes 3; pid run/x.pid; env A=b=c; env D; worker_shutdown_timeout 5s;\n' +
        'error_log logs/e.log notice; error_log stderr; worker_priority -5; worker_cpu_affinity 01 10;\n' +
        'events { worker_connections 99; }',
      [],
      reports,
    );
    const core = coreConf(cycle);
    assert.equal(core.daemon, false);
    assert.equal(core.masterProcess, true);
    assert.equal(core.workerProcesses, 3);
    assert.equal(core.pid, `${dir}/run/x.pid`);
    assert.equal(core.oldPid, `${dir}/run/x.pid.oldbin`);
    assert.equal(core.shutdownTimeout, 5000);
    assert.equal(core.workerPriority, -5);
    assert.deepEqual(core.env, [
      { name: 'A', value: 'b=c' },
      { name: 'D', value: undefined },
    ]);
    assert.deepEqual(core.cpuAffinity, { auto: false, masks: ['01', '10'] });
    assert.deepEqual(errlogConf(cycle).targets, [
      { kind: 'file', path: `${dir}/logs/e.log`, level: 6 },
      { kind: 'stderr', level: 4 },
    ]);
    assert.equal(eventsConf(cycle).workerConnections, 99);
    assert.equal(eventsConf(cycle).use, process.platform === 'linux' ? 'epoll' : 'kqueue');
    assert.equal(cycle.prefix, `${dir}/`);
    assert.equal(cycle.confPrefix, `${dir}/`);
    assert.equal(reports.length, 2);
    assert.match(reports[1]!, /^warn: the number of "worker_processes" is not equal/);
  });

  it('has nginx’s defaults', () => {
    const cycle = load('events {}');
    const core = coreConf(cycle);
    assert.deepEqual(
      [core.daemon, core.workerProcesses, core.shutdownTimeout, core.env, core.debugPoints],
      [true, 1, 0, [], ''],
    );
    assert.equal(core.pid, `${dir}/logs/nginx.pid`);
    assert.equal(eventsConf(cycle).workerConnections, 512);
    assert.equal(eventsConf(cycle).acceptMutexDelay, 500);
  });

  it('keeps the files for -T, each once', () => {
    writeFileSync(join(dir, 'a.inc'), '# a\n');
    const text = 'include a.inc;\ninclude a.inc;\nevents {}\n';
    assert.equal(
      dumpConfiguration(load(text)),
      `# configuration file ${dir}/nginx.conf:\n${text}\n# configuration file ${dir}/a.inc:\n# a\n\n`,
    );
  });

  it('takes modules that are built in and refuses others', () => {
    const seen: Seen = { log: [] };
    const module = testModule(seen);
    const lua: CoreModule = {
      ...module,
      submodules: [
        {
          name: 'x',
          directives: [
            { name: 'lua_code_cache', contexts: ['http'], args: 'flag', level: 'main', set: () => undefined },
          ],
        },
      ],
    };
    const reports: string[] = [];
    load('load_module modules/ngx_http_lua_module.so;\nevents {}', [lua], reports);
    assert.deepEqual(reports, [`info: module "ngx_http_lua_module" is built in in ${dir}/nginx.conf:1`]);
    assert.throws(() => load('load_module modules/ngx_http_js_module.so;', [lua]), /dlopen\(\) "/);
    assert.throws(() => load('http {}\nload_module modules/ngx_http_lua_module.so;', [lua]), /is specified too late/);
  });
});
