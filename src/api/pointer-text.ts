/** Names objects by numbers in log lines where ngx_lua has addresses: written as nginx prints pointers. */
export function pointerText(id: number): string {
  return (0x7f0000000000 + id * 256).toString(16).toUpperCase().padStart(16, '0');
}
