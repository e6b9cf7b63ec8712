/** Random choices that a seed determines, so that a difference found once can be made again. */

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d = 1;

  /** `seed` is the run's, `index` the number of the case in it: each case can be made without those before it. */
  constructor(seed: number, kind: string, index: number) {
    let h = 0x811c9dc5;
    for (const text of [kind, ':', String(seed), ':', String(index)]) {
      for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    }
    this.a = h;
    this.b = seed | 0;
    this.c = index | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** 32 random bits (the generator sfc32). */
  private next(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return t >>> 0;
  }

  /** An integer in 0..n-1. */
  below(n: number): number {
    return this.next() % n;
  }

  /** True once in n times. */
  once(n: number): boolean {
    return this.next() % n === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length]!;
  }

  /** One of the keys, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    let sum = 0;
    for (const key in weights) sum += weights[key];
    let at = this.below(sum);
    for (const key in weights) {
      at -= weights[key];
      if (at < 0) return key;
    }
    throw new Error('no weights');
  }
}
