// A worker that attaches to its master's zones; the list comes as the first argument.
import { fstatSync } from 'node:fs';
import { SharedDict } from '../../src/shm/dict.ts';
import { ZoneRegistry } from '../../src/shm/registry.ts';

const zones = ZoneRegistry.attach(process.argv[2]!);
new SharedDict(zones.get('cats')).set('from', process.pid);
process.send!({
  names: zones.names('lua_shared_dict'),
  name: new SharedDict(zones.get('dogs')).get('name'),
  open: [4, 5].map((fd) => {
    try {
      return fstatSync(fd).size > 0 && fstatSync(fd).isFile();
    } catch {
      return false;
    }
  }),
});
process.disconnect();
