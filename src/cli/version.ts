/** What -v, -V and -h print. nginx: ngx_show_version_info (src/core/nginx.c). */

import { configureArguments } from '../conf/configure-arguments.ts';
import { identity } from '../conf/identity.ts';
import type { CoreModule } from '../conf/registry.ts';
import { DEFAULT_CONF, DEFAULT_ERROR_LOG } from './defaults.ts';
import type { Options } from './options.ts';

const HELP = `Usage: tsresty [-?hvVtTq] [-s signal] [-p prefix]
               [-e filename] [-c filename] [-g directives]
       tsresty test PATH...

Options:
  -?,-h         : print this help and exit
  -v            : print the version and exit
  -V            : print the version and the modules that are built in, then exit
  -t            : test the configuration and exit
  -T            : as -t, and print the configuration's files
  -q            : with -t or -T, print nothing but errors
  -s signal     : send a signal to the running master process: stop, quit, reopen, reload
  -p prefix     : folder that relative paths start from (default: the current folder)
  -e filename   : error log until the configuration names one (default: ${DEFAULT_ERROR_LOG})
  -c filename   : configuration file (default: ${DEFAULT_CONF})
  -g directives : directives of the main context, read before the file

`;

/** Text for standard error. */
export function versionText(options: Options, modules: readonly CoreModule[]): string {
  let text = `nginx version: ${identity.full}\n`;
  if (options.showHelp) text += HELP;
  if (options.showConfigure) {
    text += `built with Node.js ${process.version}\n`;
    text += `built with OpenSSL ${process.versions.openssl ?? ''}\nTLS SNI support enabled\n`;
    text += `configure arguments:${configureArguments(modules)}\n`;
  }
  return text;
}
