import type { CoreModule } from '../../../src/conf/registry.ts';
import type { BrokenCase, Outcome } from './case.ts';
/** The nginx that the expected outputs are from. */
export declare const NGINX = "/usr/sbin/nginx";
/** True when nginx 1.22 is installed. */
export declare function hasNginx(): boolean;
/** What `nginx -t` says. */
export declare function runNginx(item: BrokenCase): Outcome;
/** What we say. Messages below warnings go to no terminal, as with nginx. */
export declare function runOurs(item: BrokenCase, modules: readonly CoreModule[]): Outcome;
