// Calendar times for os.date and os.time: C's struct tm, strftime and mktime in the C locale.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

/** A broken-down time. Months and days of week and year count from 0, as in C; the year is the full one. */
export interface CalendarTime {
  readonly sec: number;
  readonly min: number;
  readonly hour: number;
  readonly mday: number;
  readonly mon: number;
  readonly year: number;
  readonly wday: number;
  readonly yday: number;
  readonly isdst: boolean;
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly zone: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/** Breaks down a time in seconds, in UTC or local time; undefined if it is outside the range of dates. */
export function breakDown(epoch: number, utc: boolean): CalendarTime | undefined {
  const date = new Date(epoch * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  const offset = utc ? 0 : -60 * date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offset * 1000);
  const year = shifted.getUTCFullYear();
  return {
    sec: shifted.getUTCSeconds(),
    min: shifted.getUTCMinutes(),
    hour: shifted.getUTCHours(),
    mday: shifted.getUTCDate(),
    mon: shifted.getUTCMonth(),
    year,
    wday: shifted.getUTCDay(),
    yday: Math.floor((shifted.getTime() - startOfYear(year)) / DAY_MS),
    isdst: !utc && isSummer(date),
    offset,
    zone: utc ? 'GMT' : zoneName(date),
    epoch,
  };
}

function startOfYear(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1);
}

/** Whether summer time is in force: the clock is ahead of where it is in the other half of the year. */
function isSummer(date: Date): boolean {
  const year = date.getFullYear();
  const january = new Date(year, 0, 1).getTimezoneOffset();
  const july = new Date(year, 6, 1).getTimezoneOffset();
  return date.getTimezoneOffset() < Math.max(january, july);
}

/** The zone's abbreviation as far as ICU knows one, else its offset. */
function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

/** Fields of a table given to os.time; what is out of range carries over. */
export interface TimeFields {
  readonly sec: number;
  readonly min: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly year: number;
  readonly isdst: boolean | undefined;
}

/** mktime: local calendar time to seconds, or undefined if it is outside the range of dates. */
export function makeTime(fields: TimeFields): number | undefined {
  const date = new Date(2000, 0, 1);
  date.setFullYear(fields.year, fields.month - 1, fields.day);
  date.setHours(fields.hour, fields.min, fields.sec, 0);
  const time = date.getTime() / 1000;
  if (Number.isNaN(time)) return undefined;
  if (fields.isdst === undefined || fields.isdst === isSummer(date)) return time;
  return fields.isdst ? time - 3600 : time + 3600;
}

/** Days since Sunday (from 0) or Monday (from 1) week starts of the year. */
function weekOfYear(t: CalendarTime, monday: boolean): number {
  const wday = monday ? (t.wday + 6) % 7 : t.wday;
  return Math.floor((t.yday + 7 - wday) / 7);
}

/** ISO 8601 year and week. */
function isoWeek(t: CalendarTime): { year: number; week: number } {
  const thursday = new Date(startOfYear(t.year) + (t.yday + 3 - ((t.wday + 6) % 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: 1 + Math.floor((thursday.getTime() - startOfYear(year)) / DAY_MS / 7) };
}

/** A converted field: digits with their usual width and padding, or text. */
type Field = string | { readonly n: number; readonly width: number; readonly pad: string };

const number = (n: number, width: number, pad = '0'): Field => ({ n, width, pad });

/** Conversions that stand for a format of their own. */
const COMPOUND: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

function convert(t: CalendarTime, c: string): Field | undefined {
  switch (c) {
    case 'a':
      return DAYS[t.wday]!.slice(0, 3);
    case 'A':
      return DAYS[t.wday]!;
    case 'b':
    case 'h':
      return MONTHS[t.mon]!.slice(0, 3);
    case 'B':
      return MONTHS[t.mon]!;
    case 'C':
      return number(Math.floor(t.year / 100), 2);
    case 'd':
      return number(t.mday, 2);
    case 'e':
      return number(t.mday, 2, ' ');
    case 'g':
      return number(isoWeek(t).year % 100, 2);
    case 'G':
      return number(isoWeek(t).year, 1);
    case 'H':
      return number(t.hour, 2);
    case 'I':
      return number(t.hour % 12 || 12, 2);
    case 'j':
      return number(t.yday + 1, 3);
    case 'k':
      return number(t.hour, 2, ' ');
    case 'l':
      return number(t.hour % 12 || 12, 2, ' ');
    case 'm':
      return number(t.mon + 1, 2);
    case 'M':
      return number(t.min, 2);
    case 'n':
      return '\n';
    case 'p':
      return t.hour < 12 ? 'AM' : 'PM';
    case 'P':
      return t.hour < 12 ? 'am' : 'pm';
    case 's':
      return number(t.epoch, 1);
    case 'S':
      return number(t.sec, 2);
    case 't':
      return '\t';
    case 'u':
      return number(t.wday || 7, 1);
    case 'U':
      return number(weekOfYear(t, false), 2);
    case 'V':
      return number(isoWeek(t).week, 2);
    case 'w':
      return number(t.wday, 1);
    case 'W':
      return number(weekOfYear(t, true), 2);
    case 'y':
      return number(((t.year % 100) + 100) % 100, 2);
    case 'Y':
      return number(t.year, 1);
    case 'z': {
      const minutes = Math.floor(Math.abs(t.offset) / 60);
      const hhmm = Math.floor(minutes / 60) * 100 + (minutes % 60);
      return (t.offset < 0 ? '-' : '+') + String(hhmm).padStart(4, '0');
    }
    case 'Z':
      return t.zone;
    case '%':
      return '%';
    default:
      return COMPOUND[c] === undefined ? undefined : formatTime(t, COMPOUND[c]);
  }
}

/** strftime in the C locale, with glibc's flags (_ - 0 ^ #) and widths. Unknown conversions stay as they are. */
export function formatTime(t: CalendarTime, format: string): string {
  return format.replace(
    /%([_\-0^#]*)(\d*)(E(?=[cCxXyY])|O(?=[deHImMSuUVwWy]))?([a-zA-Z%])/g,
    (all, flags, digits, _, c) => {
      const field = convert(t, c);
      return field === undefined ? all : lay(field, c, flags, digits === '' ? -1 : Number(digits));
    },
  );
}

function lay(field: Field, c: string, flags: string, width: number): string {
  let text: string;
  let pad = ' ';
  if (typeof field === 'string') {
    text = field;
    if (flags.includes('0')) pad = '0';
  } else {
    text = String(field.n);
    pad = flags.includes('_') ? ' ' : flags.includes('0') ? '0' : field.pad;
    if (width < 0 && !flags.includes('-')) width = field.width;
  }
  // '#' turns the case round: names of zones and AM/PM become small, others large.
  if (flags.includes('#')) text = c === 'Z' || c === 'p' ? text.toLowerCase() : text.toUpperCase();
  else if (flags.includes('^')) text = text.toUpperCase();
  return text.padStart(width, pad);
}
