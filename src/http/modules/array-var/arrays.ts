/**
 * Arrays as values of variables. A variable holds a byte string; the string of an array stands for it in this request,
 * and means nothing to anybody else, like the pointer that the module for nginx puts there.
 */
import type { HttpRequest } from '../../request.ts';

const arrays = new WeakMap<HttpRequest, Map<string, readonly string[]>>();

/** A value that stands for the array in this request and its subrequests. */
export function arrayValue(r: HttpRequest, items: readonly string[]): string {
  let known = arrays.get(r.main);
  if (known === undefined) arrays.set(r.main, (known = new Map()));
  const value = `\0array\0${known.size}`;
  known.set(value, items);
  return value;
}

/** The array that a value stands for. */
export function arrayOf(r: HttpRequest, value: string): readonly string[] | undefined {
  return arrays.get(r.main)?.get(value);
}
