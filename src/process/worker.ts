import type { CoreModule } from '../conf/registry.ts';
export function runWorker(_modules: readonly CoreModule[]): void {
  throw new Error('workers are not implemented yet');
}
