/** Small questions about numeric addresses. */

/** Whether a numeric address is IPv6: only those contain a colon. */
export function isIPv6(address: string): boolean {
  return address.includes(':');
}

/**
 * The 4 or 16 bytes of a valid numeric address, in network order. IPv6 may be shortened by `::`, end with an IPv4
 * address and carry a zone (`%eth0`), which is left out.
 */
export function addressBytes(address: string): number[] {
  if (!isIPv6(address)) return address.split('.').map(Number);
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = groups(head);
  if (tail === undefined) return left;
  const right = groups(tail);
  return [...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right];
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const n = Number.parseInt(group, 16);
    return [n >> 8, n & 0xff];
  });
}

/**
 * The text of an address of 4 or 16 bytes. The first of the longest runs of zero groups of IPv6 is `::`, and the end
 * of an IPv4 address in IPv6 stands as such. nginx: ngx_inet6_ntop().
 */
export function addressText(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push((bytes[i]! << 8) | bytes[i + 1]!);
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  // ::1.2.3.4, but not ::1; ::ffff:1.2.3.4.
  const compatible = start === 0 && (length === 6 || (length === 7 && bytes[14] !== 0 && bytes[15] !== 1));
  const mapped = start === 0 && length === 5 && words[5] === 0xffff;
  if (compatible || mapped) return `::${mapped ? 'ffff:' : ''}${bytes.slice(12).join('.')}`;
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return start < 0 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}
