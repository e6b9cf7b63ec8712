/** Where a configuration is. Apart from the loading, for those who only need to know that. */

/** Where the configuration is, from the options. nginx: ngx_process_options. */
export function configurationPaths(options: { readonly prefix: string; readonly confFile: string }): {
  readonly prefix: string;
  readonly confFile: string;
  readonly confPrefix: string;
} {
  const prefix = options.prefix.endsWith('/') ? options.prefix : `${options.prefix}/`;
  const confFile = options.confFile.startsWith('/') ? options.confFile : prefix + options.confFile;
  const slash = confFile.lastIndexOf('/');
  return { prefix, confFile, confPrefix: slash > 0 ? confFile.slice(0, slash + 1) : prefix };
}
