/** Paths for node:fs. */

/** Node takes strings as UTF-8; paths are byte strings. */
export function fsPath(path: string): string | Buffer {
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) > 0x7f) return Buffer.from(path, 'latin1');
  return path;
}
