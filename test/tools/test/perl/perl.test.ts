// The Perl of test files: what each form gives, and that what is not understood is said with its place.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Interpreter } from '../../../../src/tools/test/perl/interpreter.ts';
import { CORE_MODULES, moduleFunctions } from '../../../../src/tools/test/perl/modules.ts';
import { PerlArray, PerlHash, text, type Value } from '../../../../src/tools/test/perl/values.ts';

const folder = mkdtempSync(join(tmpdir(), 'perl-'));
after(() => rmSync(folder, { recursive: true }));

let printed = '';

function interpreter(): Interpreter {
  printed = '';
  const perl: Interpreter = new Interpreter({
    file: 't/a.t',
    env: { HOME: '/home', PATH: process.env['PATH'] },
    natives: moduleFunctions(() => perl),
    prototypes: new Map(),
    modules: new Set(CORE_MODULES),
    commands: new Map(),
    importArguments: () => {},
    moduleLoaded: () => {},
    turns: (cells) => cells,
    print: (more) => (printed += more),
    warn: (more) => (printed += `warning: ${more}`),
  });
  return perl;
}

type Plain = string | number | undefined | Plain[] | { [key: string]: Plain };

function plain(value: Value): Plain {
  if (value instanceof PerlArray) return value.values.map(plain);
  if (value instanceof PerlHash) return Object.fromEntries([...value.map].map(([key, cell]) => [key, plain(cell.v)]));
  return typeof value === 'number' || value === undefined ? value : text(value);
}

const run = (source: string): Plain[] => interpreter().evaluate('t/a.t', 1, source).map(plain);
const one = (source: string): Plain => run(source).at(-1);

test('strings: escapes, variables, repetition, here-documents', () => {
  assert.equal(one(String.raw`"a\r\n\t\0\x41\x{263a}\"\\\$x\@y\e"`), 'a\r\n\t\0A\xe2\x98\xba"\\$x@y\x1b');
  assert.equal(one(String.raw`'a\n\'b\\'`), String.raw`a\n'b` + '\\');
  assert.equal(one('q{a{b}c} . qq(d\\n(e))'), 'a{b}cd\n(e)');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Perl's.
  assert.equal(one('my $x = "v"; my @l = (1, 2); "$x-${x}s @l $l[1] @{[ 1 + 2 ]}"'), 'v-vs 1 2 2 3');
  assert.equal(one('my $h = { a => [5, 6] }; "$h->{a}[1] $$h{a}->[0]"'), '6 5');
  assert.equal(one('"ab" x 3 . "c" . ("-" x 2)'), 'abababc--');
  assert.equal(one('my $n = 3;\nmy $s = <<_END_ . "z";\nn=$n \\$n\n_END_\n$s . <<\'X\'\n$n\nX\n'), 'n=3 $n\nz$n\n');
  assert.equal(one('"\\Qa.b\\E.\\Uxy\\E"'), 'a\\.b.XY');
});

test('numbers and comparisons', () => {
  assert.deepEqual(run('(1 + 2 * 3, 7 % 3, -7 % 3, 2 ** 10, 0x1f, 1_000, 10 / 4)'), [7, 1, 2, 1024, 31, 1000, 2.5]);
  assert.deepEqual(run('("10" == 10.0, "a" lt "b", 2 <=> 10, "2" cmp "10", "abc" == 0)'), [1, 1, -1, 1, 1]);
  assert.deepEqual(run('my ($a, $b) = (undef, 0); ($a // "d", $b || "e", $b ? 1 : 2, !$b)'), ['d', 'e', 2, 1]);
  assert.equal(one('sprintf("%03d|%-4s|%x|%.2f|%s%%", 7, "ab", 255, 1.005, "z")'), '007|ab  |ff|1.00|z%');
});

test('versions are strings, which count as nothing', () => {
  assert.deepEqual(run('(1.25.5 eq "\\x01\\x19\\x05", eval "1.03 >= 1.25.5")'), [1, 1]);
});

test('lists, hashes, references and aliases', () => {
  assert.deepEqual(
    one('my @k; push @k, "b$_" for 1 .. 3; @k = sort { $b cmp $a } @k; [@k, scalar(@k), $#k, @k[0, 1]]'),
    ['b3', 'b2', 'b1', 3, 2, 'b3', 'b2'],
  );
  assert.equal(one('my @k = (1, 2); for my $k (@k) { $k .= "x" } join ",", @k'), '1x,2x');
  assert.deepEqual(
    one('my %h = (a => 1, "b", 2); $h{c}{d} = 3; delete $h{a}; [sort(keys %h), exists $h{a} ? 1 : 0, $h{c}{d}]'),
    ['b', 'c', 0, 3],
  );
  assert.equal(one('join ":", map { "$_=" . $_ * 2 } grep { $_ % 2 } 1 .. 5'), '1=2:3=6:5=10');
  assert.equal(one('join "", "aa" .. "ad"'), 'aaabacad');
  assert.deepEqual(one('my ($first, @rest) = split /,\\s*/, "a, b,c,,"; [$first, @rest]'), ['a', 'b', 'c']);
  assert.deepEqual(run('[split(//, "abc")], [split(" ", " a b ")], [split(/(-)/, "a-b", 2)]'), [
    ['a', 'b', 'c'],
    ['a', 'b'],
    ['a', '-', 'b'],
  ]);
  assert.deepEqual(run('my @a = (1, 2, 3); my @b = splice(@a, 1, 1); (reverse(@a), @b, wantarray() ? "l" : "s")'), [
    3,
    1,
    2,
    'l',
  ]);
});

test('control: if, unless, while, for, last, next, statement modifiers', () => {
  assert.equal(one('my $i = 0; my $s = ""; while (1) { $i++; next if $i == 2; last if $i > 4; $s .= $i } $s'), '134');
  assert.equal(one('my $s = ""; for (my $i = 0; $i < 3; $i++) { $s .= $i unless $i == 1 } $s'), '02');
  assert.equal(one('my $x = 5; my $r; if ($x < 3) { $r = "a" } elsif ($x < 6) { $r = "b" } else { $r = "c" } $r'), 'b');
  assert.equal(one('if (0) { "no" } else { "value of a block" }'), 'value of a block');
  assert.equal(
    one('my $s; OUTER: for my $a (1, 2) { for my $b (1, 2) { next OUTER if $b == 2; $s .= "$a$b " } } $s'),
    '11 21 ',
  );
});

test('subs: arguments, contexts, closures, prototypes, recursion', () => {
  const source =
    'sub f ($) { my $x = shift; return $x > 1 ? $x * f($x - 1) : 1 } sub none () { 7 } my @v = (none, f 5, none + 1); "@v"';
  assert.equal(one(source), '7 120 8');
  assert.equal(one('my $n = 0; my $inc = sub { $n += $_[0]; return $n }; $inc->(2); &$inc(3)'), 5);
  assert.equal(
    one('sub ctx { return wantarray ? "list" : "scalar" } my ($a) = ctx(); my $b = ctx(); "$a $b"'),
    'list scalar',
  );
  assert.equal(one('our $g = 1; sub g { $g } sub h { local $g = 2; g() } h() . g()'), '21');
});

test('patterns: captures, lists of matches, substitution, tr, places', () => {
  assert.deepEqual(run('"2024-05" =~ /(\\d+)-(\\d+)/; ($1, $2, $&)'), ['2024', '05', '2024-05']);
  assert.deepEqual(run('my @all = "a1b22" =~ /\\d+/g; @all'), ['1', '22']);
  assert.equal(one('(my $x = "a.b.c") =~ s/\\./-/g; $x'), 'a-b-c');
  assert.equal(one('my $x = "abc"; $x =~ s/(b)/uc($1) . "!"/e; $x'), 'aB!c');
  assert.equal(one('my $x = "hello"; $x =~ tr/a-y/b-z/; $x'), 'ifmmp');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Perl's.
  assert.equal(one('my $re = qr/B/i; "abc" =~ /a${re}c/ ? "yes" : "no"'), 'yes');
  assert.equal(one('qr{^/t/servroot\\w*$}s'), '(?^s:^/t/servroot\\w*$)');
  assert.equal(one('my $s = "a b"; my @w; while ($s =~ /\\G\\s*(\\w)/gc) { push @w, $1 } "@w"'), 'a b');
});

test('files, commands, %ENV, die and eval', () => {
  const file = join(folder, 'data');
  writeFileSync(file, 'one\ntwo\n');
  assert.equal(
    one(`open my $in, '${file}' or die "no: $!"; my $all = do { local $/; <$in> }; close $in; $all`),
    'one\ntwo\n',
  );
  assert.equal(one(`open(my $in, '<', '${file}'); my $n = 0; while (<$in>) { chomp; $n .= $_ } $n`), '0onetwo');
  assert.equal(one(`open my $in, '${folder}/none' or die "cannot: $!\\n"; 1`), 'cannot: No such file or directory\n');
  assert.equal(one('my $out = `echo hello`; chomp $out; "$out $?"'), 'hello 0');
  assert.equal(one('$ENV{X} ||= 5; $ENV{X} ||= 6; "$ENV{X} $ENV{HOME}"'), '5 /home');
  assert.equal(one('my $v = eval { die { code => 4 } }; $@->{code}'), 4);
  assert.equal(one('eval "1 +" . " 2"'), 3);
  assert.equal(one('die "out"'), 'out at t/a.t line 1.\n');
  assert.equal(one('use POSIX; print "x"; print STDERR "y"; 1'), 1);
  assert.equal(printed, 'xwarning: y');
});

test('undeclared variables of a section are an error, as under strict', () => {
  assert.match(String(one('"$nobody"')), /^Global symbol "\$nobody" requires explicit package name/);
  const perl = interpreter();
  perl.program('t/a.t', 'our $HttpConfig = "http";\npackage Other; our $x = 2; package main;\n');
  assert.deepEqual(perl.evaluate('t/a.t', 9, '"$::HttpConfig $Other::x"'), ['http 2']);
});

test('a module beside the tests gives its functions and variables', () => {
  writeFileSync(
    join(folder, 'Mine.pm'),
    'package Mine;\nour @EXPORT = qw($pwd twice);\nour $pwd = "here";\nsub twice { 2 * shift }\n1;\n__END__\n=head1\n',
  );
  const perl = interpreter();
  perl.program('t/a.t', `use lib '${folder}';\nuse Mine;\nour $sum = twice(4) . $pwd;\n`);
  assert.equal(perl.scalar('sum').v, '8here');
});

test('what is not understood is told with its place; what Perl refuses gives its message', () => {
  const fails = (source: string): string => {
    try {
      interpreter().program('t/a.t', source);
    } catch (error) {
      return (error as Error).message;
    }
    return 'understood';
  };
  assert.match(fails('my $x = 1;\nformat STDOUT =\n'), /^this Perl is not understood: t\/a\.t:\d: /);
  assert.match(fails('use Some::Module;\n'), /t\/a\.t:1: there is no module Some::Module$/);
  assert.match(fails('\n\nfoo(1);\n'), /t\/a\.t:3: no function "foo"$/);
  assert.match(String(one('qr/x/\n[error]\n"y" "z"')), /^syntax error at \(eval 1\) line \d/);
});
