// What the child processes of the shm tests do: `child.ts COMMAND NAME SIZE`, the zone's descriptor being 4.
import { SharedDict } from '../../src/shm/dict.ts';
import { openZone, type Zone } from '../../src/shm/zone.ts';

const [command, name, size] = process.argv.slice(2) as [string, string, string];
const zone = openZone(name, Number(size), 4);

/** Waits for the parent's word, so that several children start together. */
function start(body: () => void): void {
  process.once('message', () => {
    body();
    process.disconnect();
  });
  process.send!('ready');
}

/** Values that show when they are torn: any length, but one letter throughout, which the length tells. */
function uniform(i: number): string {
  const length = 8 + (i % 700);
  return String.fromCharCode(97 + (length % 26)).repeat(length);
}

/** Every kind of change, without end, so that the process is killed in the middle of one. */
function mutateForever(zone: Zone): void {
  const dict = new SharedDict(zone);
  let i = (process.pid * 7919) % 100000;
  process.send!('ready', () => {
    for (;;) {
      i++;
      const key = `key${i % 97}`;
      dict.set(key, uniform(i), i % 5 === 0 ? 0.001 : 0);
      dict.set(key, uniform(i), 0, i);
      dict.get(`key${(i * 31) % 97}`);
      dict.incr(`count${i % 13}`, 1, 0);
      dict.rpush(`list${i % 5}`, uniform(i));
      dict.lpush(`list${i % 3}`, i);
      if (i % 3 !== 0) dict.rpop(`list${i % 5}`);
      if (i % 7 === 0) dict.delete(key);
      if (i % 501 === 0) dict.flushExpired();
      if (i % 5003 === 0) dict.flushAll();
    }
  });
}

switch (command) {
  case 'incr': // 100000 increments, by the dictionary and by hand
    start(() => {
      const dict = new SharedDict(zone);
      for (let i = 0; i < 100000; i++) {
        dict.incr('total', 1, 0);
        dict.incr(`some${i % 10}`, 1, 0);
        zone.lock.acquire();
        zone.words[100]!++;
        zone.lock.release();
      }
    });
    break;
  case 'lists': // 20000 elements from one end of a list to the other
    start(() => {
      const dict = new SharedDict(zone);
      for (let i = 0; i < 20000; i++) {
        while (dict.rpush('queue', `${process.pid}:${i}`) === undefined);
        const value = dict.lpop('queue');
        if (value !== undefined) dict.incr('popped', 1, 0);
      }
    });
    break;
  case 'mutate':
    mutateForever(zone);
    break;
  case 'hold': // takes the lock and never gives it back
    zone.lock.acquire();
    process.send!('held');
    setInterval(() => {}, 1000);
    break;
  case 'hold and end':
    zone.lock.acquire();
    process.exit(0);
    break;
  case 'read': {
    const dict = new SharedDict(zone);
    process.send!(dict.getKeys(0).map((key) => [key, dict.get(key)]));
    process.disconnect();
    break;
  }
  default:
    throw new Error(`unknown command ${command}`);
}
