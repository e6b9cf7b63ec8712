// The generator behind math.random: LuaJIT's, so that a seed gives the same sequence.
//
// It is L'Ecuyer's combined Tausworthe generator ("Tables of maximally equidistributed combined LFSR generators",
// table 3, first entry): four shift registers of 64 bits whose exclusive or is the result. Each 64 bit word is held as
// two 32 bit halves, which is an order of magnitude faster than BigInt.

/** k, q and s of the four registers. */
const K = [63, 58, 55, 47];
const Q = [31, 19, 24, 21];
const S = [18, 28, 7, 8];

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
    let high = 0;
    let low = 0;
    for (let i = 0; i < 4; i++) {
      const k = K[i]!;
      const q = Q[i]!;
      const s = S[i]!;
      const zh = u[2 * i]!;
      const zl = u[2 * i + 1]!;
      const th = ((zh << q) | (zl >>> (32 - q))) ^ zh;
      const tl = (zl << q) ^ zl;
      const shift = k - s;
      let h: number;
      let l: number;
      if (shift < 32) {
        h = th >>> shift;
        l = (tl >>> shift) | (th << (32 - shift));
      } else {
        h = 0;
        l = th >>> (shift - 32);
      }
      const masked = zl & (-1 << (64 - k));
      h ^= (zh << s) | (masked >>> (32 - s));
      l ^= masked << s;
      u[2 * i] = h;
      u[2 * i + 1] = l;
      high ^= h;
      low ^= l;
    }
    return ((high & 0xfffff) * 4294967296 + (low >>> 0)) / 4503599627370496;
  }
}
