import type { OpenedCycle } from './open-cycle.ts';
import type { Loader } from './start.ts';
export function runMaster(_loader: Loader, _opened: OpenedCycle): void {
  throw new Error('master processes are not implemented yet: use "master_process off"');
}
