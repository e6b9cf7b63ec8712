import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SharedDict } from '../../src/shm/dict.ts';
import { ZoneRegistry } from '../../src/shm/registry.ts';
import { createZone, openZone } from '../../src/shm/zone.ts';
import { bundle, exit, message, run } from './support.ts';

const child = bundle('registry-child.ts');
after(child.remove);

function registry(...zones: [string, number][]): ZoneRegistry {
  const registry = new ZoneRegistry();
  for (const [name, size] of zones) registry.declare(name, size, 'lua_shared_dict');
  return registry;
}

test('contradicting declarations are refused in nginx words', () => {
  const zones = registry(['dogs', 65536]);
  zones.declare('dogs', 65536, 'lua_shared_dict');
  zones.declare('dogs', 0, 'lua_shared_dict');
  assert.throws(
    () => zones.declare('dogs', 65536, 'limit_req_zone'),
    /^Error: the shared memory zone "dogs" is already declared for a different use$/,
  );
  assert.throws(
    () => zones.declare('dogs', 70000, 'lua_shared_dict'),
    /^Error: the size 70000 of shared memory zone "dogs" conflicts with already declared size 65536$/,
  );
  zones.declare('later', 0, 'upstream');
  assert.throws(() => zones.open(), /zero size shared memory zone "later"/);
  zones.declare('later', 65536, 'upstream');
  zones.open();
  assert.deepEqual(zones.names(), ['dogs', 'later']);
  assert.deepEqual(zones.names('upstream'), ['later']);
  assert.throws(() => zones.get('other'), /"other" is not open/);
  zones.close();
});

test('a reload keeps zones of the same size and use, and only those', () => {
  const old = registry(['same', 65536], ['resized', 65536], ['gone', 65536], ['other use', 65536]);
  old.open();
  for (const name of old.names()) new SharedDict(old.get(name)).set('a', name);
  const gone = old.get('gone').fd;

  const next = registry(['same', 65536], ['resized', 131072], ['new', 65536]);
  next.declare('other use', 65536, 'limit_req_zone');
  next.open(old);
  old.close(next);
  assert.equal(new SharedDict(next.get('same')).get('a'), 'same');
  assert.equal(new SharedDict(next.get('resized')).get('a'), undefined);
  assert.equal(new SharedDict(next.get('new')).get('a'), undefined);
  assert.equal(next.get('other use').root, 0);
  assert.throws(() => fstatSync(gone), /EBADF/);
  next.close();
});

test('a reload that fails leaves the running zones alone', () => {
  const old = registry(['same', 65536]);
  old.open();
  const dict = new SharedDict(old.get('same'));
  dict.set('a', 1);
  const next = registry(['same', 65536], ['tiny', 100]);
  assert.throws(() => next.open(old), /zone "tiny" is too small/);
  assert.equal(dict.get('a'), 1);
  old.close();
});

test('workers find their zones among inherited descriptors', async () => {
  const zones = registry(['dogs', 65536], ['cats', 131072]);
  zones.open();
  new SharedDict(zones.get('dogs')).set('name', 'Jim');
  const { text, fds } = zones.serialize(4);
  assert.equal(fds.length, 2);
  const worker = run(child.file, [text], fds);
  assert.deepEqual(await message(worker), { names: ['dogs', 'cats'], name: 'Jim', open: [false, false] });
  assert.equal(await exit(worker), 0);
  const cats = new SharedDict(zones.get('cats'));
  assert.equal(cats.get('from'), worker.pid);
  zones.close();
});

test('a descriptor that is another zone, or none, is refused', () => {
  const zone = createZone('z', 65536);
  assert.throws(() => openZone('z', 65537, zone.fd), /not the shared memory zone "z" of 65537 bytes/);
  assert.throws(() => openZone('z', 1 << 20, zone.fd), /expected \d+ of shared memory/);
  const file = openSync(fileURLToPath(import.meta.url), 'r');
  assert.throws(() => openZone('z', 65536, file));
  closeSync(file);
  zone.close();
});

test('one process needs no koffi', () => {
  const script = `
    import { ZoneRegistry } from './src/shm/registry.ts';
    import { SharedDict } from './src/shm/dict.ts';
    const zones = new ZoneRegistry(false);
    zones.declare('dogs', 1 << 20, 'lua_shared_dict');
    zones.open();
    const dict = new SharedDict(zones.get('dogs'));
    dict.set('a', 'b');
    if (zones.serialize(4).fds.length !== 0) throw new Error('descriptors');
    console.log(dict.get('a'), process.report.getReport().sharedObjects.some((name) => name.includes('koffi')));
  `;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  assert.equal(result.stdout, 'b false\n', result.stderr);
});
