// The generator behind math.random: LuaJIT's, so that a seed gives the same sequence.
//
// It is L'Ecuyer's combined Tausworthe generator ("Tables of maximally equidistributed combined LFSR generators",
// table 3, first entry): four shift registers of 64 bits whose exclusive or is the result. Each 64 bit word is held as
// two 32 bit halves, which is an order of magnitude faster than BigInt.

/** Bits that count of each register. */
const K = [63, 58, 55, 47];

/** One generator with its state. */
export class Random {
  /** High and low half of each register. */
  readonly #u = new Int32Array(8);

  constructor() {
    this.seed(0);
  }

  /** Starts the sequence that belongs to a seed. */
  seed(seed: number): void {
    const view = new DataView(new ArrayBuffer(8));
    let d = seed;
    for (let i = 0; i < 4; i++) {
      d = d * Math.PI + Math.E;
      view.setFloat64(0, d);
      let bits = view.getBigUint64(0);
      // A register whose upper k bits are all zero would stay so.
      const least = 1n << BigInt(64 - K[i]!);
      if (bits < least) bits += least;
      view.setBigUint64(0, bits);
      this.#u[2 * i] = view.getInt32(0);
      this.#u[2 * i + 1] = view.getInt32(4);
    }
    for (let i = 0; i < 10; i++) this.next();
  }

  /** The next number in 0 <= x < 1, with 52 random bits. */
  next(): number {
    const u = this.#u;
    // Each register z becomes (((z << q) ^ z) >>> (k - s)) ^ ((z & -(2^(64 - k))) << s), written out for its constants.
    let zh = u[0]!;
    let zl = u[1]!;
    const h0 = (zh << 18) | ((zl & -2) >>> 14);
    const l0 = (((zh << 31) | (zl >>> 1)) ^ zh) >>> 13;
    u[0] = h0;
    const r0 = l0 ^ ((zl & -2) << 18);
    u[1] = r0;
    zh = u[2]!;
    zl = u[3]!;
    let th = ((zh << 19) | (zl >>> 13)) ^ zh;
    const h1 = (th >>> 30) ^ ((zh << 28) | ((zl & -64) >>> 4));
    const r1 = ((((zl << 19) ^ zl) >>> 30) | (th << 2)) ^ ((zl & -64) << 28);
    u[2] = h1;
    u[3] = r1;
    zh = u[4]!;
    zl = u[5]!;
    th = ((zh << 24) | (zl >>> 8)) ^ zh;
    const h2 = (zh << 7) | ((zl & -512) >>> 25);
    const r2 = (th >>> 16) ^ ((zl & -512) << 7);
    u[4] = h2;
    u[5] = r2;
    zh = u[6]!;
    zl = u[7]!;
    th = ((zh << 21) | (zl >>> 11)) ^ zh;
    const h3 = (zh << 8) | ((zl & -131072) >>> 24);
    const r3 = (th >>> 7) ^ ((zl & -131072) << 8);
    u[6] = h3;
    u[7] = r3;
    return (((h0 ^ h1 ^ h2 ^ h3) & 0xfffff) * 4294967296 + ((r0 ^ r1 ^ r2 ^ r3) >>> 0)) / 4503599627370496;
  }
}
