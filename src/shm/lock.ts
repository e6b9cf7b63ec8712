// The lock of a shared memory zone, and what happens when its holder dies.
//
// Atomics.wait does not work on memory that is not a SharedArrayBuffer, so the lock is a word that processes compare
// and swap: 0 when free, else the holder (owner.ts). Whoever finds it taken spins a little, because a dictionary
// operation takes less than a microsecond; then sleeps with growing pauses, because the holder may have lost its CPU;
// and after a while asks whether the holder still lives. Operations are synchronous, so a process never meets its
// own lock: that would be a call from inside a critical section, and is refused rather than waited for.
//
// Recovery. A process can be killed between any two stores, and a JavaScript exception (a stack overflow, of all
// things, when user code recurses without end) can end a critical section early. Both end the same way: the next
// holder runs `repair` before anything else. The one who takes a dead holder's lock takes it by compare-and-swap, so
// there is one repairer; it sets the repair word first, so that its own death in the middle leads to another repair.
// There is no "dirty" mark on every mutation: that would cost each operation two stores to save a rare repair.
// Repair must not trust anything but what its structure keeps valid between any two stores: for tables that is the
// chain of nodes (table.ts), from which all else, the allocator's state too, is built anew.
//
// How to write a critical section. Between taking and giving back, no exception may escape without marking the zone:
//
//     lock.acquire();
//     try {
//       ...
//       lock.release();
//     } catch (error) {
//       words[HEADER.repair] = 1;
//       Atomics.store(words, HEADER.lock, 0);
//       throw error;
//     }
//
// The catch block calls nothing of ours, because the exception may be a lack of stack; Atomics.store needs none.
import { HEADER } from './layout.ts';
import { ownerAlive, ownerPid, ownerWord } from './owner.ts';

const SPINS = 2048;
const FIRST_SLEEP_MS = 0.05;
const LONGEST_SLEEP_MS = 1;
const HOLDER_CHECK_MS = 5;

// On x86 a store is seen by other processors after all loads and stores before it, so giving the lock back needs no
// atomic instruction, which would take as long as taking it. V8 keeps the order of accesses to typed arrays, and a word
// is stored at once.
const STORES_IN_ORDER = process.arch === 'x64';

// Something to sleep on; nobody ever notifies it.
const pillow = new Int32Array(new SharedArrayBuffer(4));

/** A recoverable spin lock in shared memory. One object per zone and process. */
export class ZoneLock {
  /** Brings the zone's structure into a valid state; called with the lock held. Set by the structure's owner. */
  repair: (() => void) | undefined;

  private readonly words: Int32Array;
  private readonly name: string;
  private readonly me: number;

  /**
   * @param words the zone's memory, with the lock's words at `HEADER.lock`, `HEADER.repair` and `HEADER.repairs`
   * @param name for messages
   */
  constructor(words: Int32Array, name: string) {
    this.words = words;
    this.name = name;
    this.me = ownerWord();
  }

  /**
   * Takes the lock, waiting for it as long as its holder lives, and repairs the zone if that is due.
   * @throws when this process holds it already.
   */
  acquire(): void {
    if (Atomics.compareExchange(this.words, HEADER.lock, 0, this.me) !== 0) this.wait();
    if (this.words[HEADER.repair] !== 0) {
      try {
        this.repairLocked();
      } catch (error) {
        this.words[HEADER.repair] = 1;
        Atomics.store(this.words, HEADER.lock, 0);
        throw error;
      }
    }
  }

  /** Gives the lock back. Only its holder may. */
  release(): void {
    if (STORES_IN_ORDER) this.words[HEADER.lock] = 0;
    else Atomics.store(this.words, HEADER.lock, 0);
  }

  /**
   * Frees the lock if a process that has ended holds it, for the master when it has waited for a worker; the next
   * holder repairs. Returns whether it did.
   */
  releaseFor(pid: number): boolean {
    const word = Atomics.load(this.words, HEADER.lock);
    if (word === 0 || ownerPid(word) !== pid || word === this.me) return false;
    if (Atomics.compareExchange(this.words, HEADER.lock, word, this.me) !== word) return false;
    this.words[HEADER.repair] = 1;
    this.release();
    return true;
  }

  private wait(): void {
    const { words, me } = this;
    for (let spins = 1; spins <= SPINS; spins <<= 1) {
      for (let i = 0; i < spins; i++) Atomics.load(words, HEADER.lock);
      if (this.tryAcquire()) return;
    }
    let sleep = FIRST_SLEEP_MS;
    let sinceCheck = 0;
    for (;;) {
      Atomics.wait(pillow, 0, 0, sleep);
      if (this.tryAcquire()) return;
      sinceCheck += sleep;
      sleep = Math.min(sleep * 2, LONGEST_SLEEP_MS);
      if (sinceCheck < HOLDER_CHECK_MS) continue;
      sinceCheck = 0;
      const holder = Atomics.load(words, HEADER.lock);
      if (holder === 0 || ownerAlive(holder)) continue;
      if (Atomics.compareExchange(words, HEADER.lock, holder, me) === holder) {
        words[HEADER.repair] = 1;
        return;
      }
    }
  }

  private tryAcquire(): boolean {
    const holder = Atomics.compareExchange(this.words, HEADER.lock, 0, this.me);
    if (holder === this.me) throw new Error(`the lock of shared memory zone "${this.name}" is taken by this process`);
    return holder === 0;
  }

  private repairLocked(): void {
    if (this.repair === undefined) {
      throw new Error(`shared memory zone "${this.name}" was left in the middle of a change and cannot be repaired`);
    }
    this.repair();
    this.words[HEADER.repairs]!++;
    this.words[HEADER.repair] = 0;
  }
}
