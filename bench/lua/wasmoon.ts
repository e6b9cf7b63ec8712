/**
 * Runs a Lua script in wasmoon (Lua 5.4 in WebAssembly) for bench/lua/run.ts; its file system is filled first.
 * The package is found by run.ts, which gives its place in WASMOON: nothing else needs it installed.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { threadClock } from './clock.ts';

interface Wasmoon {
  LuaFactory: new () => {
    mountFile(path: string, content: Buffer): Promise<void>;
    createEngine(): Promise<{
      global: { set(name: string, value: unknown): void };
      doStringSync(source: string): unknown;
    }>;
  };
}

const place = process.env['WASMOON'];
if (place === undefined) throw new Error('WASMOON does not say where the package is');
const { LuaFactory } = createRequire(pathToFileURL(place))(place) as Wasmoon;

const [script, ...args] = process.argv.slice(2) as [string, ...string[]];
const [suite, dir, name] = args as [string, string, string];
async function main(): Promise<void> {
  const factory = new LuaFactory();
  const mount = (path: string): Promise<void> => factory.mountFile(path, readFileSync(path));
  await mount(script);
  if (suite === 'own' || suite === 'micro') await mount(`${dir}/${name}.lua`);
  else {
    const folders = suite === 'awfy' ? [dir] : [`${dir}/benchmarks/${name}`, `${dir}/lualibs`, `${dir}/benchdata`];
    for (const folder of folders) {
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = `${file.parentPath}/${file.name}`;
        if (!file.isFile()) continue;
        await mount(path);
        // Programs open their data by relative names.
        if (folder.endsWith('/benchdata'))
          await factory.mountFile(path.slice(dirname(folder).length), readFileSync(path));
      }
    }
  }
  const lua = await factory.createEngine();
  const { seconds } = threadClock();
  lua.global.set('bench_clock', seconds);
  lua.global.set('bench_memory', () => process.memoryUsage.rss());
  const list = args.map((a) => `[=[${a}]=]`).join(', ');
  try {
    lua.doStringSync(`arg = { ${list} } unpack = table.unpack loadstring = load
dofile([=[${script}]=])`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

void main();
