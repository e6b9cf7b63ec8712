/**
 * Users and groups by name, for `user`: from /etc/passwd and /etc/group, and for names that other services know
 * (LDAP, macOS) from the system's own tools. getpwnam(3), getgrnam(3).
 */
import { readFileSync } from 'node:fs';

function fromFile(file: string, name: string): string[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    // A system without the file knows its users elsewhere.
    return undefined;
  }
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name && !line.startsWith('#')) return fields;
  }
  return undefined;
}

function fromTool(command: string, args: readonly string[]): string | undefined {
  // Loaded when it is needed: the system's files nearly always answer.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync(command, args, { encoding: 'latin1', timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** The uid of a user; undefined when there is none. */
export function userId(name: string): number | undefined {
  const known = number(fromFile('/etc/passwd', name)?.[2]);
  if (known !== undefined) return known;
  return name.startsWith('-') || name === '' ? undefined : number(fromTool('id', ['-u', '--', name]));
}

/** The gid of the first of these groups that exists; undefined when there is none. Files are asked before tools. */
export function groupId(...names: readonly string[]): number | undefined {
  for (const name of names) {
    const known = number(fromFile('/etc/group', name)?.[2]);
    if (known !== undefined) return known;
  }
  for (const name of names) {
    if (name.startsWith('-') || name === '') continue;
    const known = number(fromTool('getent', ['group', name])?.split(':')[2]);
    if (known !== undefined) return known;
  }
  return undefined;
}
