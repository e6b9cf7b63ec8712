/** States that are made as copies of one that has been set up. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LuaState, LuaTable, type LuaValue, StateImage } from '../../src/lua/index.ts';

function run(state: LuaState, source: string): LuaValue[] {
  const r = state.newThread(state.load(source, '=test')).resume();
  assert.equal(r.status, 'done');
  return (r as { values: LuaValue[] }).values;
}

function prepared(): LuaState {
  const state = new LuaState({ packagePath: '/p/?.lua' });
  const many = new LuaTable();
  for (let i = 0; i < 150; i++) many.setStr(`FIELD_${i}`, i);
  many.set('a key', LuaTable.fromArray([1, LuaTable.fromArray(['x'])]));
  many.metatable = LuaTable.fromObject({ __index: LuaTable.fromObject({ inherited: true }) });
  Object.defineProperty(many, '$hidden', { value: 7 });
  state.globals.setStr('many', many);
  state.globals.setStr('again', many);
  for (let i = 0; i < 20; i++) state.preload(`module.${i}`, () => i);
  return state;
}

const DESCRIBE = `
  local names = {}
  for k in pairs(_G) do names[#names + 1] = k end
  for k in pairs(string) do names[#names + 1] = 'string.' .. k end
  for k in pairs(package.preload) do names[#names + 1] = 'preload ' .. k end
  for k, v in pairs(many) do names[#names + 1] = tostring(k) .. type(v) end
  table.sort(names)
  return table.concat(names, ' '), package.path, _G._G == _G, package.loaded._G == _G, package.loaded.io == io,
    debug.getregistry()._LOADED == package.loaded, getmetatable('').__index == string, ('x'):rep(2), many == again,
    many.FIELD_149, many['a key'][1], many['a key'][2][1], many.inherited, getmetatable(many) ~= nil, #package.loaders,
    math.pi, select(2, math.modf(1.5)), require 'module.19', require 'module.3', io.type(io.stdout),
    tostring(math.random), tostring(io.write), tostring(print)`;

test('a copy is like the state', () => {
  const state = prepared();
  const image = new StateImage(state);
  const copy = new LuaState({ image });
  assert.deepEqual(run(copy, DESCRIBE), run(state, DESCRIBE));
  assert.equal((copy.globals.getStr('many') as unknown as { $hidden: number }).$hidden, 7);
});

test('copies and the state are isolated from each other', () => {
  const state = prepared();
  const image = new StateImage(state);
  const pristine = run(new LuaState({ image }), DESCRIBE);
  const changing = `
    string.rep = nil  string.own = 1  math.pi = 3  own = 1  again.FIELD_149 = nil  many.extra = 1
    many['a key'][1] = 'changed'  many['a key'][2][1] = 'changed'  table.insert(package.loaders, print)
    getmetatable(many).__index.inherited = false  getmetatable('').__index = {}
    package.preload['module.3'] = nil  package.preload['module.new'] = print  package.path = 'changed'
    require 'table.new'  io.output():setvbuf('full')  math.randomseed(7)  return math.random()`;
  const other = new LuaState({ image });
  const [first] = run(other, changing);
  run(state, changing);
  assert.deepEqual(run(new LuaState({ image }), DESCRIBE), pristine);
  assert.deepEqual(run(new LuaState({ image }), `return table.new, package.preload['module.new'], own`), [
    undefined,
    undefined,
    undefined,
  ]);
  // Each has its own generator of random numbers, and its own cjson.
  const third = new LuaState({ image });
  run(third, 'math.randomseed(7) require("cjson").extra = 1');
  run(other, 'math.random()');
  assert.deepEqual(run(third, 'return math.random()'), [first]);
  assert.deepEqual(run(other, 'return require("cjson").extra'), [undefined]);
  assert.deepEqual(run(third, 'return require("cjson").array_mt == require("cjson.safe").array_mt'), [true]);
  assert.deepEqual(run(third, 'require "table.clear" return type(table.clear)'), ['function']);
});

test('keys can be added to a copied hash, whose index is shared', () => {
  const image = new StateImage(prepared());
  const a = new LuaState({ image });
  const b = new LuaState({ image });
  const add = `for i = 1, 30 do package.preload['own.' .. i] = print end
    local n = 0 for k in pairs(package.preload) do n = n + 1 end return n, package.preload['own.30'] == print`;
  const before = run(b, 'local n = 0 for k in pairs(package.preload) do n = n + 1 end return n')[0] as number;
  assert.deepEqual(run(a, add), [before + 30, true]);
  assert.deepEqual(run(b, `return package.preload['own.1'], type(package.preload['module.1'])`), [
    undefined,
    'function',
  ]);
  assert.deepEqual(run(b, add), [before + 30, true]);
});
