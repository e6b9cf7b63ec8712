// The errors of PCRE2 by their numbers, with the library's own texts: nginx and ngx_lua print them unchanged, and
// people's alerts match on them. Numbers from 101 are compile errors, negative ones are what a match returns.

/** Compile error texts of PCRE2 10.42 by error number, as pcre2_get_error_message() gives them. */
export const COMPILE_ERRORS: Readonly<Record<number, string>> = {
  101: '\\ at end of pattern',
  102: '\\c at end of pattern',
  103: 'unrecognized character follows \\',
  104: 'numbers out of order in {} quantifier',
  105: 'number too big in {} quantifier',
  106: 'missing terminating ] for character class',
  107: 'escape sequence is invalid in character class',
  108: 'range out of order in character class',
  109: 'quantifier does not follow a repeatable item',
  111: 'unrecognized character after (? or (?-',
  112: 'POSIX named classes are supported only within a class',
  113: 'POSIX collating elements are not supported',
  114: 'missing closing parenthesis',
  115: 'reference to non-existent subpattern',
  118: 'missing ) after (?# comment',
  119: 'parentheses are too deeply nested',
  120: 'regular expression is too large',
  122: 'unmatched closing parenthesis',
  124: 'missing closing parenthesis for condition',
  125: 'lookbehind assertion is not fixed length',
  126: 'a relative value of zero is not allowed',
  127: 'conditional subpattern contains more than two branches',
  128: 'assertion expected after (?( or (?(?C)',
  129: 'digit expected after (?+ or (?-',
  130: 'unknown POSIX class name',
  134: 'character code point value in \\x{} or \\o{} is too large',
  135: 'lookbehind is too complicated',
  136: '\\C is not allowed in a lookbehind assertion in UTF-8 mode',
  137: 'PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u',
  138: 'number after (?C is greater than 255',
  139: 'closing parenthesis for (?C expected',
  140: 'invalid escape sequence in (*VERB) name',
  141: 'unrecognized character after (?P',
  142: 'syntax error in subpattern name (missing terminator?)',
  143: 'two named subpatterns have the same name (PCRE2_DUPNAMES not set)',
  144: 'subpattern name must start with a non-digit',
  146: 'malformed \\P or \\p sequence',
  147: 'unknown property after \\P or \\p',
  148: 'subpattern name is too long (maximum 32 code units)',
  149: 'too many named subpatterns (maximum 10000)',
  150: 'invalid range in character class',
  151: 'octal value is greater than \\377 in 8-bit non-UTF-8 mode',
  154: 'DEFINE subpattern contains more than one branch',
  155: 'missing opening brace after \\o',
  157: '\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number',
  158: '(?R (recursive pattern call) must be followed by a closing parenthesis',
  160: '(*VERB) not recognized or malformed',
  161: 'subpattern number is too big',
  162: 'subpattern name expected',
  164: 'non-octal character in \\o{} (closing brace missing?)',
  165: 'different names for subpatterns of the same number are not allowed',
  166: '(*MARK) must have an argument',
  167: 'non-hex character in \\x{} (closing brace missing?)',
  168: '\\c must be followed by a printable ASCII character',
  169: '\\k is not followed by a braced, angle-bracketed, or quoted name',
  171: '\\N is not supported in a class',
  172: 'callout string is too long',
  173: 'disallowed Unicode code point (>= 0xd800 && <= 0xdfff)',
  176: 'name is too long in (*MARK), (*PRUNE), (*SKIP), or (*THEN)',
  177: 'character code point value in \\u.... sequence is too large',
  178: 'digits missing in \\x{} or \\o{} or \\N{U+}',
  179: 'syntax error or number too big in (?(VERSION condition',
  181: 'missing terminating delimiter for callout with string argument',
  182: 'unrecognized string delimiter follows (?C',
  184: '(?| and/or (?J: or (?x: parentheses are too deeply nested',
  186: 'regular expression is too complicated',
  187: 'lookbehind assertion is too long',
  193: '\\N{U+dddd} is supported only in Unicode (UTF) mode',
  194: 'invalid hyphen in option setting',
  195: '(*alpha_assertion) not recognized',
  197: 'too many capturing groups (maximum 65535)',
  198: 'atomic assertion expected after (?( or (?(?C)',
  199: '\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)',
};

/** Texts of the UTF-8 validity errors by their (negative) number; a bad pattern in UTF mode reports these too. */
export const UTF8_ERRORS: Readonly<Record<number, string>> = {
  [-3]: 'UTF-8 error: 1 byte missing at end',
  [-4]: 'UTF-8 error: 2 bytes missing at end',
  [-5]: 'UTF-8 error: 3 bytes missing at end',
  [-6]: 'UTF-8 error: 4 bytes missing at end',
  [-7]: 'UTF-8 error: 5 bytes missing at end',
  [-8]: 'UTF-8 error: byte 2 top bits not 0x80',
  [-9]: 'UTF-8 error: byte 3 top bits not 0x80',
  [-10]: 'UTF-8 error: byte 4 top bits not 0x80',
  [-11]: 'UTF-8 error: byte 5 top bits not 0x80',
  [-12]: 'UTF-8 error: byte 6 top bits not 0x80',
  [-13]: 'UTF-8 error: 5-byte character is not allowed (RFC 3629)',
  [-14]: 'UTF-8 error: 6-byte character is not allowed (RFC 3629)',
  [-15]: 'UTF-8 error: code points greater than 0x10ffff are not defined',
  [-16]: 'UTF-8 error: code points 0xd800-0xdfff are not defined',
  [-17]: 'UTF-8 error: overlong 2-byte sequence',
  [-18]: 'UTF-8 error: overlong 3-byte sequence',
  [-19]: 'UTF-8 error: overlong 4-byte sequence',
  [-20]: 'UTF-8 error: overlong 5-byte sequence',
  [-21]: 'UTF-8 error: overlong 6-byte sequence',
  [-22]: 'UTF-8 error: isolated byte with 0x80 bit set',
  [-23]: 'UTF-8 error: illegal byte (0xfe or 0xff)',
};

/** What a match can return besides success (pcre2.h). */
export const RC = {
  NOMATCH: -1,
  BADOFFSET: -33,
  BADUTFOFFSET: -36,
  DFA_UCOND: -40,
  DFA_UITEM: -42,
  JIT_STACKLIMIT: -46,
  MATCHLIMIT: -47,
  RECURSELOOP: -52,
  DFA_RECURSE: -39,
  DEPTHLIMIT: -53,
  HEAPLIMIT: -63,
} as const;

/** A pattern that does not compile: PCRE2's text for it and the byte offset in the pattern where it was noticed. */
export class RegexError extends Error {
  readonly offset: number;
  readonly code: number;
  constructor(code: number, offset: number) {
    super(COMPILE_ERRORS[code] ?? UTF8_ERRORS[code] ?? 'error ' + code);
    this.name = 'RegexError';
    this.code = code;
    this.offset = offset;
  }
}

/**
 * The sentence nginx and ngx_lua print for a pattern that does not compile. The rest of the pattern is quoted only
 * when the error was not noticed at its very end, and as a C string: up to a NUL.
 */
export function compileErrorText(pattern: string, error: RegexError): string {
  const head = 'pcre2_compile() failed: ' + error.message + ' in "' + pattern + '"';
  if (error.offset === pattern.length) return head;
  const nul = pattern.indexOf('\0', error.offset);
  return head + ' at "' + pattern.slice(error.offset, nul < 0 ? undefined : nul) + '"';
}
