/** Checks of URIs that user code hands to clients. */

/** Control characters, but for the tab, would let a value start a new header line. */
export function unsafeByte(text: string): { readonly byte: number; readonly escaped: string } | undefined {
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if ((byte <= 0x1f && byte !== 0x09) || byte === 0x7f) return { byte, escaped: escapeForLog(text) };
  }
  return undefined;
}

/** Control characters, `"`, `\` and non-ASCII bytes as \xXX, as ngx_lua logs values that it refuses. */
export function escapeForLog(text: string): string {
  return text.replace(/[\x00-\x1f"\\\x7f-\xff]/g, (ch) => {
    return `\\x${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
