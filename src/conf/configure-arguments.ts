/** What -V and ngx.config.nginx_configure() say of the modules that are built in. */

/** A core module and those inside it, by their names. */
export interface ModuleNames {
  readonly name: string;
  readonly submodules?: readonly { readonly name: string }[] | undefined;
}

/**
 * nginx's configure flags for the modules that are built in here, the form in which scripts and Test::Nginx look for
 * them in the output of -V. Made of the names of the http modules' declarations.
 */
export function configureArguments(modules: readonly ModuleNames[]): string {
  // Lines of the level debug are written wherever nginx's modules would; there is no build without them.
  const flags: string[] = ['--with-debug'];
  for (const core of modules) {
    for (const { name } of core.submodules ?? []) {
      const known = /^(?:ngx_)?((?:http|stream)_\w+?)(?:_filter)?(?:_module)?$/.exec(name);
      flags.push(`--with-${known === null ? `${core.name}_${name}` : known[1]}_module`);
    }
    if (core.name === 'stream') flags.push('--with-stream');
  }
  // Modules that nginx has by default: scripts take them for granted unless they are named as missing.
  for (const name of ['fastcgi', 'scgi', 'uwsgi']) {
    if (!flags.includes(`--with-http_${name}_module`)) flags.push(`--without-http_${name}_module`);
  }
  return flags.map((flag) => ` ${flag}`).join('');
}
