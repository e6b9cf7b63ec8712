/** Small questions about numeric addresses. */

/** Whether a numeric address is IPv6: only those contain a colon. */
export function isIPv6(address: string): boolean {
  return address.includes(':');
}
