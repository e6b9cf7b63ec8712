/** The modules of stream in nginx's order, and their indexes. */
import { coreModule } from '../core/define.ts';
import type { StreamModule } from '../module.ts';
import { upstreamModule } from '../upstream/module.ts';
import { logModule } from './log.ts';
import { proxyModule } from './proxy/module.ts';
import { returnModule } from './return.ts';

/** All modules; `hosts` are those that run user code. */
export function streamModules(hosts: readonly StreamModule[]): readonly StreamModule[] {
  return number([coreModule, logModule, proxyModule, upstreamModule, returnModule, ...hosts]);
}

// biome-ignore lint/suspicious/noExplicitAny: each module has its own types of configuration
function number(modules: readonly StreamModule<any, any, any>[]): readonly StreamModule[] {
  modules.forEach((module, index) => {
    module.index = index;
  });
  return modules as readonly StreamModule[];
}
