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
