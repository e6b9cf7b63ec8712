/** Networks with values: the value of an address is that of the smallest network around it. nginx: ngx_radix_tree.c. */
import type { Cidr } from '../../../conf/modules/cidr.ts';

/** Values by network, for addresses of one length. */
export class NetworkMap {
  /** By the number of bits, then by the network's bytes. */
  readonly #bySize: (Map<string, string> | undefined)[] = [];

  /** Adds a network. False when it is there already. */
  add(network: Cidr, value: string): boolean {
    const networks = (this.#bySize[network.bits] ??= new Map());
    const key = keyOf(network.address, network.bits);
    if (networks.has(key)) return false;
    networks.set(key, value);
    return true;
  }

  /** Removes a network. False when it is not there. */
  delete(network: Cidr): boolean {
    return this.#bySize[network.bits]?.delete(keyOf(network.address, network.bits)) === true;
  }

  find(address: readonly number[]): string | undefined {
    for (let bits = this.#bySize.length - 1; bits >= 0; bits--) {
      const networks = this.#bySize[bits];
      if (networks === undefined || networks.size === 0) continue;
      const value = networks.get(keyOf(address, bits));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** The first bits of an address as a string of bytes. */
function keyOf(address: readonly number[], bits: number): string {
  let key = '';
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) key += String.fromCharCode(address[i] as number);
  const rest = bits & 7;
  if (rest !== 0) key += String.fromCharCode((address[whole] as number) & (0xff << (8 - rest)) & 0xff);
  return key;
}
