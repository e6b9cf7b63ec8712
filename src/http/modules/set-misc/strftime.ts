/** strftime(3) in the C locale, for set_formatted_gmt_time and set_formatted_local_time. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

/** A moment's parts, in UTC or local time. */
interface Parts {
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
  /** 0 to 365. */
  readonly yearDay: number;
  /** Minutes east of Greenwich. */
  readonly offset: number;
  readonly zone: string;
  readonly epoch: number;
}

function partsOf(seconds: number, local: boolean): Parts {
  const at = new Date(seconds * 1000);
  const offset = local ? -at.getTimezoneOffset() : 0;
  const d = new Date(seconds * 1000 + offset * 60000);
  const year = d.getUTCFullYear();
  const zone = local ? (/\(([^)]*)\)|([A-Z]{2,5})$/.exec(at.toTimeString())?.[2] ?? zoneName(at)) : 'GMT';
  return {
    year,
    month: d.getUTCMonth(),
    day: d.getUTCDate(),
    hour: d.getUTCHours(),
    minute: d.getUTCMinutes(),
    second: d.getUTCSeconds(),
    weekday: d.getUTCDay(),
    yearDay: Math.floor((Date.UTC(year, d.getUTCMonth(), d.getUTCDate()) - Date.UTC(year, 0, 1)) / 86400000),
    offset,
    zone,
    epoch: seconds,
  };
}

function zoneName(at: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(at);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

function pad(n: number, width = 2, fill = '0'): string {
  return String(n).padStart(width, fill);
}

/** ISO 8601: the week that a day is in, and the year that this week belongs to. */
function isoWeek(p: Parts): { week: number; year: number } {
  const thursday = new Date(Date.UTC(p.year, p.month, p.day + 4 - (p.weekday || 7)));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 604800000) + 1 };
}

function convert(p: Parts, conversion: string): string {
  switch (conversion) {
    case 'a':
      return (DAYS[p.weekday] as string).slice(0, 3);
    case 'A':
      return DAYS[p.weekday] as string;
    case 'b':
    case 'h':
      return (MONTHS[p.month] as string).slice(0, 3);
    case 'B':
      return MONTHS[p.month] as string;
    case 'c':
      return format(p, '%a %b %e %H:%M:%S %Y');
    case 'C':
      return pad(Math.floor(p.year / 100));
    case 'd':
      return pad(p.day);
    case 'D':
    case 'x':
      return format(p, '%m/%d/%y');
    case 'e':
      return pad(p.day, 2, ' ');
    case 'F':
      return format(p, '%Y-%m-%d');
    case 'g':
      return pad(isoWeek(p).year % 100);
    case 'G':
      return String(isoWeek(p).year);
    case 'H':
      return pad(p.hour);
    case 'I':
      return pad(p.hour % 12 || 12);
    case 'j':
      return pad(p.yearDay + 1, 3);
    case 'k':
      return pad(p.hour, 2, ' ');
    case 'l':
      return pad(p.hour % 12 || 12, 2, ' ');
    case 'm':
      return pad(p.month + 1);
    case 'M':
      return pad(p.minute);
    case 'n':
      return '\n';
    case 'p':
      return p.hour < 12 ? 'AM' : 'PM';
    case 'P':
      return p.hour < 12 ? 'am' : 'pm';
    case 'r':
      return format(p, '%I:%M:%S %p');
    case 'R':
      return format(p, '%H:%M');
    case 's':
      return String(p.epoch);
    case 'S':
      return pad(p.second);
    case 't':
      return '\t';
    case 'T':
    case 'X':
      return format(p, '%H:%M:%S');
    case 'u':
      return String(p.weekday || 7);
    case 'U':
      return pad(Math.floor((p.yearDay + 7 - p.weekday) / 7));
    case 'V':
      return pad(isoWeek(p).week);
    case 'w':
      return String(p.weekday);
    case 'W':
      return pad(Math.floor((p.yearDay + 7 - ((p.weekday + 6) % 7)) / 7));
    case 'y':
      return pad(p.year % 100);
    case 'Y':
      return String(p.year);
    case 'z': {
      const minutes = Math.abs(p.offset);
      return `${p.offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}${pad(minutes % 60)}`;
    }
    case 'Z':
      return p.zone;
    case '%':
      return '%';
    default:
      return `%${conversion}`;
  }
}

function format(p: Parts, text: string): string {
  return text.replace(/%[EO]?(.)/gs, (_whole, conversion: string) => convert(p, conversion));
}

/** `seconds` since 1970 as `text` says. */
export function strftime(text: string, seconds: number, local: boolean): string {
  return format(partsOf(seconds, local), text);
}
