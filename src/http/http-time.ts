/**
 * Dates of HTTP header fields in all three forms of RFC 9110 section 5.6.7. nginx: ngx_parse_http_time().
 */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const RFC822 = /^[A-Za-z]+, *(\d\d) ([A-Z][a-z]{2}) (\d{4}) +(\d\d):(\d\d):(\d\d)/;
const RFC850 = /^[A-Za-z]+, *(\d\d)-([A-Z][a-z]{2})-(\d\d) +(\d\d):(\d\d):(\d\d)/;
const ASCTIME = /^[A-Za-z]+ +([A-Z][a-z]{2}) +(\d?\d) (\d\d):(\d\d):(\d\d) (\d{4})/;

// Many answers in a row have the same date: that of one file, or that of a backend's start.
let lastText = '';
let lastTime = -1;

/** Seconds since 1970, or -1 when the text is no date. */
export function parseHttpTime(text: string): number {
  if (text !== lastText) {
    lastTime = parse(text);
    lastText = text;
  }
  return lastTime;
}

function parse(text: string): number {
  let m = RFC822.exec(text);
  if (m !== null) return seconds(Number(m[3]), m[2] as string, m[1], m[4], m[5], m[6]);
  m = RFC850.exec(text);
  if (m !== null) {
    // Two-digit years from 70 on are of the last century.
    const year = Number(m[3]);
    return seconds(year + (year < 70 ? 2000 : 1900), m[2] as string, m[1], m[4], m[5], m[6]);
  }
  m = ASCTIME.exec(text);
  if (m !== null) return seconds(Number(m[6]), m[1] as string, m[2], m[3], m[4], m[5]);
  return -1;
}

function seconds(
  year: number,
  monthName: string,
  day?: string,
  hour?: string,
  minute?: string,
  second?: string,
): number {
  const month = MONTHS.indexOf(monthName);
  const [d, h, mi, s] = [Number(day), Number(hour), Number(minute), Number(second)];
  if (month < 0 || h > 23 || mi > 59 || s > 59 || d < 1) return -1;
  const time = Date.UTC(year, month, d, h, mi, s);
  // A day that the month does not have has moved into the next one.
  return new Date(time).getUTCDate() === d ? time / 1000 : -1;
}
