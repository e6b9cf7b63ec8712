/** The catalogue of nginx's directives, and that our declarations agree with it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allKnownDirectives, knownDirectives } from '../../src/conf/catalogue.ts';
import { BASE_MODULES } from '../../src/conf/load.ts';

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

  it('agrees with the declarations of the core modules', () => {
    for (const module of BASE_MODULES) {
      for (const directive of module.directives) {
        const facts = knownDirectives(directive.name).find((known) => known.contexts.includes(directive.contexts[0]!));
        assert.ok(facts !== undefined, directive.name);
        assert.deepEqual([directive.contexts, directive.args], [facts.contexts, facts.args], directive.name);
        assert.equal(directive.block, facts.block, directive.name);
        assert.ok(directive.doc !== undefined, `${directive.name} has no doc`);
      }
    }
  });
});
