/** The executables in bin/, which a shell and Node both can read. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NODE_OPTIONS } from '../../src/lua/tune.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'executables-'));
after(() => rmSync(folder, { recursive: true }));
const unbuilt = { skip: !existsSync(join(root, 'dist/tsresty.cjs')) };

for (const name of ['tsresty', 'tsresty-lua', 'resty']) {
  test(`${name} has the options of tune.ts`, () => {
    const [line] = /^.*exec node --.*$/m.exec(readFileSync(join(root, 'bin', name), 'latin1'))!;
    assert.deepEqual(line.match(/--[\w-]+(?:=\d+)?/g), NODE_OPTIONS);
  });
}

/** What comes of the arguments, the process (exec leaves no shell behind), and the depth that recursion reaches. */
const SCRIPT = `
  local ppid = io.open("/proc/self/status"):read("*a"):match("PPid:%s*(%d+)")
  local depth = 0
  local function deeper() depth = depth + 1 return 1 + deeper() end
  local ok, message = pcall(deeper)
  print(ppid, depth > 21000, message)
  for i = 1, select("#", ...) do print("<" .. select(i, ...) .. ">") end
`;
const ARGS = ['a  b', '', '*', "'$x"];
const OUTPUT = `${process.pid}\ttrue\tstdin:4: stack overflow\n${ARGS.map((text) => `<${text}>\n`).join('')}`;

function check(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const { stdout, stderr } = spawnSync(command, [...args, '-', ...ARGS], {
    cwd: folder,
    input: SCRIPT,
    encoding: 'latin1',
    env,
  });
  assert.equal(stderr, '');
  assert.equal(stdout, OUTPUT);
}

test('run through a link in a folder with a space, by path and by PATH', {
  ...unbuilt,
  skip: unbuilt.skip || process.platform !== 'linux',
}, () => {
  const links = join(folder, 'with space/.bin');
  mkdirSync(links, { recursive: true });
  for (const name of ['tsresty', 'tsresty-lua']) symlinkSync(join(root, 'bin', name), join(links, name));
  check(join(links, 'tsresty'), ['lua']);
  check(join(links, 'tsresty-lua'), []);
  const env = { ...process.env, PATH: `${links}:${process.env['PATH']}` };
  check('tsresty', ['lua'], env);
  check('tsresty-lua', [], env);
});

test('node and sh can be given the file', unbuilt, () => {
  for (const command of [process.execPath, 'sh']) {
    const { stdout } = spawnSync(command, [join(root, 'bin/tsresty'), 'lua', '-e', 'print(1)'], { encoding: 'latin1' });
    assert.equal(stdout, '1\n');
  }
});
