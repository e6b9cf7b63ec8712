/**
 * Compiled Lua files on disk, for a fast start of large applications: the JavaScript of each file and V8's code cache
 * for it. Off unless the environment variable TSRESTY_LUA_CACHE names a folder.
 *
 * An entry is found by a hash of all that it depends on: this program, Node's version, the file's name and content. It is
 * written to a temporary file that is renamed, so that several processes may write the same; it carries a checksum; and
 * one that cannot be used is as good as none. V8 executes what it finds in an entry: the folder must belong to the
 * user of the process, and nobody else may write to it.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** What of a chunk is kept, beside its text. */
export interface ChunkFacts {
  /** Number of functions. */
  readonly count: number;
  /** Constant keys, and key lists of table constructors, that its text uses by their global names. */
  readonly keys: readonly string[];
  readonly shapes: readonly (readonly string[])[];
  /** Some operation is not on its Lua line. */
  readonly shifted: boolean;
}

/** A chunk that was found. */
export interface StoredChunk {
  readonly facts: ChunkFacts;
  readonly script: Script;
}

interface Unsaved {
  readonly path: string;
  readonly facts: ChunkFacts;
  readonly text: string;
  readonly script: Script;
}

const DIGEST = 'sha256';
const DIGEST_SIZE = 32;

/** Milliseconds after which new entries are written: functions that have run by then are in them compiled. */
const SAVE_AFTER = 2000;

/** Entries that are written without a pause. */
const SAVE_AT_ONCE = 20;

/** A hash of this program's text; undefined for sources, which change while one works on them. */
function programHash(): string | undefined {
  const file = import.meta.filename;
  return file.endsWith('.ts') ? undefined : createHash(DIGEST).update(readFileSync(file)).digest('hex');
}

/** A folder with compiled files. */
export class DiskCache {
  private readonly folder: string;
  private readonly version: string;
  private unsaved: Unsaved[] = [];
  private isScheduled = false;

  private constructor(folder: string, version: string) {
    this.folder = folder;
    this.version = version;
  }

  /**
   * Opens a folder, or makes it, unless by root: it would be of no use to workers. Undefined if it cannot be used, or is
   * not the user's own.
   * `version`: stands for the compiler; a hash of the program if absent.
   */
  static open(folder: string, version = programHash()): DiskCache | undefined {
    if (version === undefined) return undefined;
    try {
      const user = process.getuid?.();
      if (user !== 0) mkdirSync(folder, { recursive: true, mode: 0o700 });
      const stat = statSync(folder);
      if (!stat.isDirectory() || stat.uid !== user || (stat.mode & 0o022) !== 0) return undefined;
    } catch {
      return undefined; // no folder, no cache
    }
    return new DiskCache(folder, `${version} ${process.version} ${process.arch}`);
  }

  /** A hash of the chunk and of what its compiled form depends on. */
  key(source: string, name: string): string {
    return createHash(DIGEST).update(`${this.version}\0${name}\0`).update(source, 'latin1').digest('hex');
  }

  read(key: string, filename: string): StoredChunk | undefined {
    let entry: Buffer;
    try {
      entry = readFileSync(this.path(key));
    } catch {
      return undefined; // not there, or not readable
    }
    const body = entry.subarray(DIGEST_SIZE);
    if (body.length < 8 || !createHash(DIGEST).update(body).digest().equals(entry.subarray(0, DIGEST_SIZE))) {
      return undefined;
    }
    const factsEnd = 8 + body.readUInt32LE(0);
    const textEnd = factsEnd + body.readUInt32LE(4);
    const facts = JSON.parse(body.toString('latin1', 8, factsEnd)) as ChunkFacts;
    const text = body.toString('latin1', factsEnd, textEnd);
    // If V8 rejects its part, because of other flags, it compiles the text.
    return { facts, script: new Script(text, { filename, cachedData: body.subarray(textEnd) }) };
  }

  /** Has an entry written later. The text must consist of bytes. */
  add(key: string, facts: ChunkFacts, text: string, script: Script): void {
    this.unsaved.push({ path: this.path(key), facts, text, script });
    if (this.isScheduled) return;
    this.isScheduled = true;
    setTimeout(() => this.saveSome(), SAVE_AFTER).unref();
    process.once('exit', () => this.save());
  }

  /** Writes all new entries. */
  save(): void {
    while (this.unsaved.length > 0) this.write(this.unsaved.pop()!);
  }

  private saveSome(): void {
    for (let i = 0; i < SAVE_AT_ONCE && this.unsaved.length > 0; i++) this.write(this.unsaved.pop()!);
    setTimeout(() => this.saveSome(), this.unsaved.length > 0 ? 10 : SAVE_AFTER).unref();
  }

  private write({ path, facts, text, script }: Unsaved): void {
    const temporary = `${path}.${process.pid}`;
    try {
      const head = Buffer.from(JSON.stringify(facts), 'latin1');
      const code = Buffer.from(text, 'latin1');
      const sizes = Buffer.alloc(8);
      sizes.writeUInt32LE(head.length, 0);
      sizes.writeUInt32LE(code.length, 4);
      const body = Buffer.concat([sizes, head, code, script.createCachedData()]);
      writeFileSync(temporary, Buffer.concat([createHash(DIGEST).update(body).digest(), body]), { mode: 0o600 });
      renameSync(temporary, path);
    } catch {
      // A full or read-only disk: nothing is kept, and this process does not try again.
      this.unsaved.length = 0;
      try {
        rmSync(temporary, { force: true });
      } catch {
        // Nor can it be removed.
      }
    }
  }

  private path(key: string): string {
    return join(this.folder, `${key}.luac`);
  }
}
