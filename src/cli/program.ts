/**
 * What the launcher does not need: the server with all its modules. It is a bundle of its own (dist/program.cjs), so
 * that a start which only launches a daemon does not load it. See load-program.ts.
 */
import type { CoreModule } from '../conf/registry.ts';
import { setImporter } from '../hosts/typescript/import.ts';
import { sendSignal, startServer, testConfiguration } from '../process/start.ts';
import { runWorker } from '../process/worker.ts';
import { MODULES } from './modules.ts';
import { versionText } from './version.ts';

export { MODULES, runWorker, sendSignal, setImporter, startServer, testConfiguration, versionText };

/** The server as the command line sees it. */
export interface Program {
  readonly MODULES: readonly CoreModule[];
  readonly runWorker: typeof runWorker;
  readonly sendSignal: typeof sendSignal;
  readonly setImporter: typeof setImporter;
  readonly startServer: typeof startServer;
  readonly testConfiguration: typeof testConfiguration;
  readonly versionText: typeof versionText;
}
