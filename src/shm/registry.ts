// The zones of one configuration cycle. Modules declare zones while the configuration is read; the master opens them,
// taking over those the previous cycle has under the same name, size and use, with their content; workers receive
// descriptors and a list that says which is which.
//
//     master:  registry.declare(...); registry.open(previous); spawn with { stdio: [0, 1, 2, 'ipc', ...fds] }
//              and the text of serialize() in the environment; after the reload previous.close(registry)
//     worker:  ZoneRegistry.attach(text)
import { closeSync } from 'node:fs';
import { createZone, openZone, type Zone } from './zone.ts';

interface Entry {
  size: number;
  readonly use: string;
  /** Not to be taken over by the next cycle's registry. */
  fresh: boolean;
  zone: Zone | undefined;
}

/** What a worker needs to find its zones among its inherited descriptors. */
interface Inherited {
  name: string;
  size: number;
  use: string;
  fd: number;
}

/** The shared memory zones of a configuration cycle, by name. */
export class ZoneRegistry {
  private readonly entries = new Map<string, Entry>();
  private readonly shared: boolean;

  /** @param shared false when one process does everything (`master_process off`) */
  constructor(shared = true) {
    this.shared = shared;
  }

  /**
   * Declares a zone, as ngx_shared_memory_add() does: again for the same name and use is fine.
   * @param size bytes; 0 refers to a zone whose size is declared elsewhere
   * @param use what the zone is for, such as the directive's name; nginx calls it the tag
   * @param fresh open() makes it anew also when the previous cycle has it
   * @throws with nginx's message when name, use and size contradict an earlier declaration
   */
  declare(name: string, size: number, use: string, fresh = false): void {
    const entry = this.entries.get(name);
    if (entry === undefined) {
      this.entries.set(name, { size, use, fresh, zone: undefined });
      return;
    }
    if (entry.use !== use) {
      throw new Error(`the shared memory zone "${name}" is already declared for a different use`);
    }
    if (entry.size === 0) entry.size = size;
    if (size !== 0 && entry.size !== size) {
      throw new Error(
        `the size ${size} of shared memory zone "${name}" conflicts with already declared size ${entry.size}`,
      );
    }
  }

  /**
   * Gives every declared zone its memory: the previous cycle's if it has the zone with the same size and use, else new.
   * @throws nginx's `zero size shared memory zone`, and what createZone() throws; then zones made so far are closed
   */
  open(previous?: ZoneRegistry): void {
    try {
      for (const [name, entry] of this.entries) {
        if (entry.zone !== undefined) continue;
        if (entry.size === 0) throw new Error(`zero size shared memory zone "${name}"`);
        const old = previous?.find(name, entry.size, entry.use);
        if (old !== undefined && !entry.fresh) entry.zone = old;
        else entry.zone = createZone(name, entry.size, this.shared);
      }
    } catch (error) {
      this.close(previous);
      throw error;
    }
  }

  /** The open zone of this name, size and use, if there is one. */
  find(name: string, size: number, use: string): Zone | undefined {
    const entry = this.entries.get(name);
    return entry !== undefined && entry.size === size && entry.use === use ? entry.zone : undefined;
  }

  /** The zone of a name. @throws when it is not declared or not open. */
  get(name: string): Zone {
    const zone = this.entries.get(name)?.zone;
    if (zone === undefined) throw new Error(`shared memory zone "${name}" is not open`);
    return zone;
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Names of the zones declared for a use, or of all, in the order of declaration. */
  names(use?: string): string[] {
    const names: string[] = [];
    for (const [name, entry] of this.entries) if (use === undefined || entry.use === use) names.push(name);
    return names;
  }

  /**
   * What a worker needs: `fds` to be placed in its stdio from index `firstFd` on, in this order, and `text` for its
   * attach(). Both are empty of zones when the memory is not shared.
   */
  serialize(firstFd: number): { text: string; fds: number[] } {
    const list: Inherited[] = [];
    const fds: number[] = [];
    for (const [name, { size, use, zone }] of this.entries) {
      if (zone === undefined || zone.fd < 0) continue;
      list.push({ name, size, use, fd: firstFd + fds.length });
      fds.push(zone.fd);
    }
    return { text: JSON.stringify(list), fds };
  }

  /** The registry of a worker, from the text of the master's serialize(). Closes the inherited descriptors. */
  static attach(text: string): ZoneRegistry {
    const registry = new ZoneRegistry();
    for (const { name, size, use, fd } of JSON.parse(text) as Inherited[]) {
      registry.entries.set(name, { size, use, fresh: false, zone: openZone(name, size, fd) });
      closeSync(fd);
    }
    return registry;
  }

  /** Frees the locks a process that has ended still holds; the master calls it for every worker it has waited for. */
  releaseLocksOf(pid: number): void {
    for (const { zone } of this.entries.values()) zone?.lock.releaseFor(pid);
  }

  /** Gives the zones back, except those that `successor` has taken over (or lent). */
  close(successor?: ZoneRegistry): void {
    for (const [name, entry] of this.entries) {
      if (entry.zone !== undefined && entry.zone !== successor?.entries.get(name)?.zone) entry.zone.close();
      entry.zone = undefined;
    }
  }
}
