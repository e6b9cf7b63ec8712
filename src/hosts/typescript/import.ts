/**
 * How modules are imported at run time. The bundled server runs from V8's code cache, and code from a cache cannot
 * import: Node finds no loader for it. So the launcher, which is an ordinary script, lends its own.
 */
type Importer = (specifier: string) => Promise<unknown>;

let importer: Importer = (specifier) => import(specifier);

export function setImporter(own: Importer): void {
  importer = own;
}

/** A module's exports. `specifier` is a URL, or a package that tsresty itself depends on. */
export function importModule<M>(specifier: string): Promise<M> {
  return importer(specifier) as Promise<M>;
}
