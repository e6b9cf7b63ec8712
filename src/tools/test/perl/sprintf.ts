/** perlfunc sprintf: the conversions %s %d %i %u %f %e %g %x %X %o %b %c %%, with flags, width and precision. */
import { number, PerlDie, text, type Value } from './values.ts';

export function sprintf(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replace(
    /%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?[hlqLV]*([a-zA-Z%])/g,
    (_all, flags: string, w, p, kind: string) => {
      if (kind === '%') return '%';
      const width = w === '*' ? number(values[next++]) : Number(w ?? 0);
      const precision = p === undefined ? undefined : p === '*' ? number(values[next++]) : Number(p);
      let out = convert(kind, values[next++], flags, precision);
      if (out.length >= width) return out;
      const pad = width - out.length;
      if (flags.includes('-')) return out + ' '.repeat(pad);
      if (!flags.includes('0') || kind === 's' || kind === 'c') return ' '.repeat(pad) + out;
      const sign = /^[-+ ]/.exec(out)?.[0] ?? '';
      out = out.slice(sign.length);
      return sign + '0'.repeat(pad) + out;
    },
  );
}

function convert(kind: string, value: Value, flags: string, precision: number | undefined): string {
  const n = number(value);
  const signed = (digits: string): string => (n >= 0 && flags.includes('+') ? `+${digits}` : digits);
  const whole = (radix: number, prefix: string): string => {
    const digits = BigInt.asUintN(64, BigInt(Math.trunc(n)))
      .toString(radix)
      .padStart(precision ?? 0, '0');
    return flags.includes('#') && n !== 0 ? prefix + digits : digits;
  };
  switch (kind) {
    case 's':
      return precision === undefined ? text(value) : text(value).slice(0, precision);
    case 'c':
      return String.fromCharCode(n & 0xff);
    case 'd':
    case 'i':
      return signed(Number.isFinite(n) ? BigInt(Math.trunc(n)).toString() : String(n));
    case 'u':
      return whole(10, '');
    case 'x':
      return whole(16, '0x');
    case 'X':
      return whole(16, '0X').toUpperCase();
    case 'o':
      return whole(8, '0');
    case 'b':
      return whole(2, '0b');
    case 'f':
      return signed(n.toFixed(precision ?? 6));
    case 'e':
      return signed(n.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2'));
    case 'g':
      return signed(String(Number(n.toPrecision(precision === undefined ? 6 : precision || 1))));
    default:
      throw new PerlDie(`sprintf: conversion %${kind} is not known\n`);
  }
}
