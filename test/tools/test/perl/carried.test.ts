import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForStatement } from '../../../../src/tools/test/perl/ast.ts';
import { carriesOver } from '../../../../src/tools/test/perl/carried.ts';
import { Interpreter } from '../../../../src/tools/test/perl/interpreter.ts';

/** Whether the first loop that runs carries something over. */
function carries(source: string): boolean {
  let found: boolean | undefined;
  const perl: Interpreter = new Interpreter({
    file: 't/a.t',
    env: {},
    natives: new Map(),
    prototypes: new Map(),
    modules: new Set(),
    commands: new Map(),
    importArguments: () => {},
    moduleLoaded: () => {},
    turns: (_cells, loop: ForStatement) => {
      found ??= carriesOver(loop, perl.subs.values());
      return [];
    },
    print: () => {},
    warn: () => {},
  });
  perl.program('t/a.t', source);
  assert.notEqual(found, undefined, source);
  return found!;
}

const loop = (body: string, before = ''): string => `${before}\nfor my $x (1, 2) {\n${body}\n}\n`;

test('turns that use variables of their own carry nothing over', () => {
  for (const source of [
    loop(
      'my $n = $x; $n++; my @list = ($n); push @list, 3; $list[0] .= "a"; my ($a, $b) = @list; chomp(my $c = "x\\n");',
    ),
    loop(
      'my $list = [1]; push @$list, 2; my %h; $h{a}{b} = 1; delete $h{a}; s/a/b/; next if $x; eval { die 1 }; $@ = "";',
    ),
    loop(
      'one($x);',
      'sub one { my $self = shift; shift @_; my $out; two(\\$out); local $ENV{A} = 1; return $out; }\nsub two { my $ref = shift; $$ref = 1; }',
    ),
    loop('print $LIMIT + $x;', 'our $LIMIT = 3; my @known = (1); sub limit { return $LIMIT }'),
  ])
    assert.equal(carries(source), false, source);
});

test('turns that change what others see, or may, carry over', () => {
  for (const source of [
    loop('$n++;', 'my $n = 0;'),
    loop('$main::n .= "a";'),
    loop('push @all, $x;', 'my @all;'),
    loop('$seen{$x} = 1;', 'my %seen;'),
    loop('$ENV{A} = $x;'),
    loop('$text =~ s/a/b/;', 'my $text = "a";'),
    loop('my $ref = \\@all; push @$ref, 1;', 'my @all;'),
    loop('count();', 'my $n = 0; sub count { $n++ }'),
    loop('my $sub = sub { $n = 1 }; $sub->();', 'my $n;'),
    loop('our $n = 1;'),
    loop('$_[0] = 1;'),
    loop('last if $x == 1;'),
    loop('eval "1";'),
  ])
    assert.equal(carries(source), true, source);
});
