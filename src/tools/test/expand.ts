/** `$TEST_NGINX_...` in sections: the environment of the file's Perl, and free ports. Test::Nginx::Socket(3). */
import type { Block } from './block.ts';
import type { Interpreter } from './perl/interpreter.ts';
import { text } from './perl/values.ts';
import { freePorts } from './ports.ts';

/** Puts values for names into a text. Throws for names that nobody has set. */
export type Expand = (text: string) => string;

/**
 * @param ports by name: `TEST_NGINX_RAND_PORT_1`
 * @param root of the server: its html folder is TEST_NGINX_HTML_DIR where the file does not set that
 */
export function expander(perl: Interpreter, ports: ReadonlyMap<string, number>, root: string): Expand {
  const env = perl.hash('ENV');
  return (source) => {
    return source.replace(/\$(TEST_NGINX_[_A-Z0-9]+)/g, (_all, name: string) => {
      const port = ports.get(name);
      if (port !== undefined) return String(port);
      const value = env.get(name) ?? (name === 'TEST_NGINX_HTML_DIR' ? `${root}/html` : undefined);
      if (value === undefined) throw new Error(`No environment ${name} defined.`);
      return text(value);
    });
  };
}

/** The random ports that a block's sections name. */
export async function randomPorts(block: Block): Promise<Map<string, number>> {
  const names = new Set<string>();
  for (const name of new Set([...block.written.keys(), 'config', 'main_config', 'http_config'])) {
    const value = block.get(name);
    if (typeof value === 'string')
      for (const [found] of value.matchAll(/TEST_NGINX_RAND_PORT_[0-9]+/g)) names.add(found);
  }
  const ports = await freePorts(names.size);
  return new Map([...names].map((name, i) => [name, ports[i]!]));
}
