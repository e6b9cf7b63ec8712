/** The catalogue of nginx's directives, and that our declarations agree with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allKnownDirectives, knownDirectives } from '../../src/conf/catalogue.ts';
import type { ArgumentRule } from '../../src/conf/directive.ts';
import { BASE_MODULES } from '../../src/conf/load.ts';
import { modules } from './broken/all.ts';

describe('catalogue', () => {
  it('knows where a directive stands and what it takes', () => {
    assert.deepEqual(
      knownDirectives('server').map((d) => [d.module, d.contexts, d.args, d.block]),
      [
        ['ngx_http_core_module', ['http'], 0, 'conf'],
        ['ngx_http_upstream_module', ['upstream'], { min: 1 }, undefined],
        ['ngx_mail_core_module', ['mail'], 0, 'conf'],
        ['ngx_stream_core_module', ['stream'], 0, 'conf'],
        ['ngx_stream_upstream_module', ['stream upstream'], { min: 1 }, undefined],
      ],
    );
    assert.deepEqual(knownDirectives('nosuch'), []);
    assert.equal(knownDirectives('content_by_lua_block')[0]!.block, 'lua');
    assert.equal(knownDirectives('map')[0]!.block, 'pairs');
    assert.ok(allKnownDirectives().length > 1100);
  });

  it('agrees with the declarations', () => {
    for (const core of [...BASE_MODULES, ...modules]) {
      const own = core.directives;
      const all = [...own, ...(core.submodules ?? []).flatMap((module) => module.directives ?? [])];
      for (const directive of all) {
        const name = directive.name;
        const known = knownDirectives(name);
        // A name that nginx does not know is our own.
        if (known.length === 0) continue;
        const facts = known.find((entry) => directive.contexts.every((context) => entry.contexts.includes(context)));
        assert.ok(facts !== undefined, `"${name}" is declared for contexts that nginx does not allow`);
        assert.deepEqual(normalArity(directive.args), normalArity(facts.args), `arguments of "${name}"`);
        assert.equal(directive.block, facts.block, `block of "${name}"`);
        if (own.includes(directive)) assert.ok(directive.doc !== undefined, `"${name}" has no doc`);
      }
    }
  });
});

/** The same rule may be written in several ways. */
function normalArity(rule: ArgumentRule): string {
  if (rule === 'flag') return '1';
  if (typeof rule === 'number') return String(rule);
  if ('min' in rule) return rule.max === undefined ? `${rule.min}+` : listCounts(rule.min, rule.max);
  return [...rule].sort((a, b) => a - b).join();
}

function listCounts(min: number, max: number): string {
  return Array.from({ length: max - min + 1 }, (_, i) => min + i).join();
}
