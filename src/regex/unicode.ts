// Unicode facts out of the JavaScript engine's own tables: property sets for \p{..} and simple case folding for
// caseless matching in UTF mode. Both are computed on first use and kept, since most patterns never ask.
import { complement, difference, MAX_CODE_POINT, normalize, type Ranges, union } from './charset.ts';

let allCharacters: string | undefined;

/** Every code point but the surrogates, which cannot stand in valid UTF-8. */
function everything(): string {
  if (allCharacters === undefined) {
    const parts: string[] = [];
    for (let base = 0; base <= MAX_CODE_POINT; base += 0x800) {
      if (base === 0xd800) continue;
      const block = new Array<number>(0x800);
      for (let i = 0; i < 0x800; i++) block[i] = base + i;
      parts.push(String.fromCodePoint(...block));
    }
    allCharacters = parts.join('');
  }
  return allCharacters;
}

const properties = new Map<string, Ranges>();

/** The set of code points a JavaScript character class body (`\p{Lu}`) matches; throws SyntaxError when unknown. */
function setOf(classBody: string): Ranges {
  const known = properties.get(classBody);
  if (known !== undefined) return known;
  const runs = new RegExp('[' + classBody + ']+', 'gu');
  const out: number[] = [];
  for (const [run] of everything().matchAll(runs)) {
    // A run is consecutive code points, except across the gap that the surrogates leave.
    const lo = run.codePointAt(0)!;
    const tail = run.charCodeAt(run.length - 1);
    const hi = tail >= 0xdc00 && tail < 0xe000 ? run.codePointAt(run.length - 2)! : tail;
    if (lo < 0xd800 && hi > 0xdfff) out.push(lo, 0xd7ff, 0xe000, hi);
    else out.push(lo, hi);
  }
  const set = normalize(out);
  properties.set(classBody, set);
  return set;
}

/** The Bidi classes have no JavaScript escape; nothing computes them here. */
const SPECIAL: Readonly<Record<string, string>> = {
  any: '\\p{Any}',
  'l&': '\\p{Lu}\\p{Ll}\\p{Lt}',
  lc: '\\p{Lu}\\p{Ll}\\p{Lt}',
  xan: '\\p{L}\\p{N}',
  xsp: '\\p{Z}\\t\\n\\v\\f\\r\\x85\\u180e',
  xps: '\\p{Z}\\t\\n\\v\\f\\r\\x85\\u180e',
  xwd: '\\p{L}\\p{N}_',
  xuc: '$@`\\xa0-\\ud7ff\\ue000-\\u{10ffff}',
};
const CATEGORY = /^(?:c[cfno]?|l[lmotu]?|m[cen]?|n[dlo]?|p[cdefios]?|s[ckmo]?|z[lps]?)$/;
const SCRIPT_KINDS: Readonly<Record<string, string>> = {
  sc: 'Script',
  script: 'Script',
  scx: 'Script_Extensions',
  scriptextensions: 'Script_Extensions',
};

let scriptNames: Map<string, string> | undefined;

/** Loose spelling -> the spelling JavaScript accepts, of script and binary property names. */
function canonicalNames(): Map<string, string> {
  if (scriptNames === undefined) {
    scriptNames = new Map();
    const names =
      'Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square';
    for (const name of names.split(' ')) scriptNames.set(loose(name), name);
    const shorts =
      'Adlm Aghb Ahom Arab Armi Armn Avst Bali Bamu Bass Batk Beng Bhks Bopo Brah Brai Bugi Buhd Cakm Cans Cari Cham Cher Chrs Copt Cpmn Cprt Cyrl Deva Diak Dogr Dsrt Dupl Egyp Elba Elym Ethi Geor Glag Gong Gonm Goth Gran Grek Gujr Guru Hang Hani Hano Hatr Hebr Hira Hluw Hmng Hmnp Hung Ital Java Kali Kana Khar Khmr Khoj Kits Knda Kthi Lana Laoo Latn Lepc Limb Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc Medf Mend Merc Mero Mlym Modi Mong Mroo Mtei Mult Mymr Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Orkh Orya Osge Osma Ougr Palm Pauc Perm Phag Phli Phlp Phnx Plrd Prti Qaac Qaai Rjng Rohg Runr Samr Sarb Saur Sgnw Shaw Shrd Sidd Sind Sinh Sogd Sogo Sora Soyo Sund Sylo Syrc Tagb Takr Tale Talu Taml Tang Tavt Telu Tfng Tglg Thaa Tibt Tirh Tnsa Toto Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii Zanb Zinh Zyyy';
    for (const short of shorts.split(' ')) scriptNames.set(loose(short), short);
  }
  return scriptNames;
}
const BINARY =
  'ASCII ASCII_Hex_Digit Alphabetic Bidi_Control Bidi_Mirrored Case_Ignorable Cased Changes_When_Casefolded Changes_When_Casemapped Changes_When_Lowercased Changes_When_Titlecased Changes_When_Uppercased Dash Default_Ignorable_Code_Point Deprecated Diacritic Emoji Emoji_Component Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation Extended_Pictographic Extender Grapheme_Base Grapheme_Extend Hex_Digit IDS_Binary_Operator IDS_Trinary_Operator ID_Continue ID_Start Ideographic Join_Control Logical_Order_Exception Lowercase Math Noncharacter_Code_Point Pattern_Syntax Pattern_White_Space Quotation_Mark Radical Regional_Indicator Sentence_Terminal Soft_Dotted Terminal_Punctuation Unified_Ideograph Uppercase Variation_Selector White_Space XID_Continue XID_Start'.split(
    ' ',
  );

/** Short names of binary properties. */
const BINARY_SHORT: Readonly<Record<string, string>> = {
  ahex: 'asciihexdigit',
  alpha: 'alphabetic',
  bidic: 'bidicontrol',
  bidim: 'bidimirrored',
  ci: 'caseignorable',
  cwcf: 'changeswhencasefolded',
  cwcm: 'changeswhencasemapped',
  cwl: 'changeswhenlowercased',
  cwt: 'changeswhentitlecased',
  cwu: 'changeswhenuppercased',
  dep: 'deprecated',
  di: 'defaultignorablecodepoint',
  dia: 'diacritic',
  ebase: 'emojimodifierbase',
  ecomp: 'emojicomponent',
  emod: 'emojimodifier',
  epres: 'emojipresentation',
  ext: 'extender',
  extpict: 'extendedpictographic',
  grbase: 'graphemebase',
  grext: 'graphemeextend',
  hex: 'hexdigit',
  idc: 'idcontinue',
  ideo: 'ideographic',
  ids: 'idstart',
  idsb: 'idsbinaryoperator',
  idst: 'idstrinaryoperator',
  joinc: 'joincontrol',
  loe: 'logicalorderexception',
  lower: 'lowercase',
  nchar: 'noncharactercodepoint',
  patsyn: 'patternsyntax',
  patws: 'patternwhitespace',
  qmark: 'quotationmark',
  ri: 'regionalindicator',
  sd: 'softdotted',
  space: 'whitespace',
  sterm: 'sentenceterminal',
  term: 'terminalpunctuation',
  uideo: 'unifiedideograph',
  upper: 'uppercase',
  vs: 'variationselector',
  wspace: 'whitespace',
  xidc: 'xidcontinue',
  xids: 'xidstart',
};
/** Known to Unicode and PCRE2, not to JavaScript (PropList.txt). */
const PREPENDED_CONCATENATION_MARK: Ranges = [
  0x600, 0x605, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x890, 0x891, 0x8e2, 0x8e2, 0x110bd, 0x110bd, 0x110cd, 0x110cd,
];

function loose(name: string): string {
  return name.toLowerCase().replace(/[ _\t-]/g, '');
}

/** Characters that are of the script or are used with it: PCRE2 takes those whose script it is, whatever else uses them. */
function extendedScript(script: string): Ranges {
  return setOf(`\\p{Script=${script}}\\p{Script_Extensions=${script}}`);
}

/**
 * The set for a property name as written between the braces of \p{..}, or null when PCRE2 would not know it
 * (pcre2pattern(3), "Unicode character properties"). Scripts without `sc:` mean Script_Extensions, as there.
 */
export function propertySet(written: string): Ranges | null {
  const separator = written.search(/[:=]/);
  const name = loose(separator < 0 ? written : written.slice(separator + 1));
  const kind = separator < 0 ? '' : loose(written.slice(0, separator));
  if (kind !== '') {
    const javascriptKind = SCRIPT_KINDS[kind];
    const script = canonicalNames().get(name);
    if (javascriptKind === undefined || script === undefined) return null;
    return javascriptKind === 'Script' ? setOf(`\\p{Script=${script}}`) : extendedScript(script);
  }
  const special = SPECIAL[name];
  if (special !== undefined) return name === 'any' ? [0, MAX_CODE_POINT] : setOf(special);
  if (CATEGORY.test(name)) return setOf(`\\p{${name[0]!.toUpperCase()}${name.slice(1)}}`);
  const script = canonicalNames().get(name);
  if (script !== undefined) return extendedScript(script);
  if (name === 'cs') return [0xd800, 0xdfff];
  if (name === 'pcm' || name === 'prependedconcatenationmark') return PREPENDED_CONCATENATION_MARK;
  const long = BINARY_SHORT[name] ?? name;
  const binary = BINARY.find((candidate) => loose(candidate) === long);
  return binary === undefined ? null : setOf(`\\p{${binary}}`);
}

/** \w, \d and \s under (*UCP). */
export const ucpWord = (): Ranges => setOf('\\p{L}\\p{N}_');
export const ucpDigit = (): Ranges => setOf('\\p{Nd}');
export const ucpSpace = (): Ranges => setOf('\\p{Z}\\t\\n\\v\\f\\r\\x85\\u180e');

/** A POSIX class under (*UCP); null where PCRE2 keeps the ASCII meaning. */
export function ucpPosix(name: string): Ranges | null {
  switch (name) {
    case 'alpha':
      return setOf('\\p{L}');
    case 'lower':
      return setOf('\\p{Ll}');
    case 'upper':
      return setOf('\\p{Lu}');
    case 'alnum':
      return setOf('\\p{L}\\p{N}');
    case 'space':
      return ucpSpace();
    case 'blank':
      return [
        9, 9, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f,
      ].concat([0x205f, 0x3000, 0x3000]);
    case 'digit':
      return ucpDigit();
    case 'word':
      return ucpWord();
    case 'cntrl':
      return setOf('\\p{Cc}');
    case 'graph':
      return difference(
        union(complement(setOf('\\p{Z}\\p{C}'), MAX_CODE_POINT), setOf('\\p{Cf}')),
        [0x61c, 0x61c, 0x180e, 0x180e, 0x2066, 0x2069, 0xd800, 0xdfff],
      );
    case 'print':
      return difference(
        union(complement(setOf('\\p{Zl}\\p{Zp}\\p{C}'), MAX_CODE_POINT), setOf('\\p{Cf}')),
        [0x61c, 0x61c, 0x2066, 0x2069, 0xd800, 0xdfff],
      );
    case 'punct':
      return union(
        setOf('\\p{P}'),
        [0x24, 0x24, 0x2b, 0x2b, 0x3c, 0x3e, 0x5e, 0x5e, 0x60, 0x60, 0x7c, 0x7c, 0x7e, 0x7e],
      );
    default:
      return null;
  }
}

let folding: Map<number, readonly number[]> | undefined;

/** Code point -> all the code points equal to it when case is ignored (itself included). */
function caseOrbits(): Map<number, readonly number[]> {
  if (folding !== undefined) return folding;
  const orbits = new Map<number, number[]>();
  const join = (a: number, b: number) => {
    const left = orbits.get(a) ?? [a];
    const right = orbits.get(b) ?? [b];
    if (left === right) return;
    const all = [...left, ...right];
    for (const cp of all) orbits.set(cp, all);
  };
  const cased = /[\p{Changes_When_Casefolded}\p{Changes_When_Uppercased}\p{Changes_When_Lowercased}]/gu;
  for (const [ch] of everything().matchAll(cased)) {
    const cp = ch.codePointAt(0)!;
    // The dotted and dotless i fold only in Turkish, which simple case folding leaves out.
    if (cp === 0x130 || cp === 0x131) continue;
    for (const other of [ch.toLowerCase(), ch.toUpperCase()]) {
      const code = other.codePointAt(0)!;
      if (other.length === String.fromCodePoint(code).length && code !== cp) join(cp, code);
    }
  }
  folding = orbits;
  return orbits;
}

/** Code points equal to `cp` without case, by simple case folding; `cp` itself is included. */
export function caseVariants(cp: number): readonly number[] {
  // The letters and signs of ASCII need no table.
  if (cp < 0x80) {
    const lower = cp | 0x20;
    if (lower < 0x61 || lower > 0x7a) return [cp];
    const pair = [lower - 32, lower];
    if (lower === 0x6b) pair.push(0x212a);
    if (lower === 0x73) pair.push(0x17f);
    return pair;
  }
  return caseOrbits().get(cp) ?? [cp];
}

/** Adds every case variant of every member. */
export function closeUnicodeCase(set: Ranges): Ranges {
  const extra: number[] = [...set];
  if (set.length === 0) return set;
  if (set[set.length - 1]! < 0x80) {
    for (let i = 0; i < set.length; i += 2) {
      for (let cp = set[i]!; cp <= set[i + 1]!; cp++) for (const other of caseVariants(cp)) extra.push(other, other);
    }
    return normalize(extra);
  }
  let i = 0;
  const sorted = [...caseOrbits().entries()].sort((a, b) => a[0] - b[0]);
  for (const [cp, orbit] of sorted) {
    while (i < set.length && set[i + 1]! < cp) i += 2;
    if (i >= set.length) break;
    if (set[i]! <= cp) for (const other of orbit) extra.push(other, other);
  }
  return normalize(extra);
}
