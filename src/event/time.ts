/** An instant in two numbers, so that reading one costs no bigint. */
export interface Instant {
  /** Whole seconds since the epoch, below zero before it. */
  seconds: number;
  /** 0 to 999,999,999. */
  nanos: number;
}

/**
 * Reads RFC 3339 from bytes: `2006-01-02T15:04:05.000000Z` as the API server writes it, with none to nine digits of
 * fraction and `Z` or an offset. False where it is no such time; `into` then stays as it is.
 */
export function readTime(bytes: Buffer, start: number, end: number, into: Instant): boolean {
  if (end - start < 20) return false;
  const year = digits(bytes, start, 4);
  const month = digits(bytes, start + 5, 2);
  const day = digits(bytes, start + 8, 2);
  const hour = digits(bytes, start + 11, 2);
  const minute = digits(bytes, start + 14, 2);
  const second = digits(bytes, start + 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH || bytes[start + 10] !== T) return false;
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return false;
  let at = start + 19;
  let nanos = 0;
  if (bytes[at] === DOT) {
    let scale = 100_000_000;
    const first = ++at;
    for (; at < end && isDigit(bytes[at] as number); at += 1) {
      nanos += ((bytes[at] as number) - ZERO) * scale;
      scale /= 10;
    }
    if (at === first || at - first > 9) return false;
  }
  const offset = offsetSeconds(bytes, at, end);
  if (offset === null) return false;
  into.seconds = daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  into.nanos = nanos;
  return true;
}

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const T = 0x54;
const Z = 0x5a;

function offsetSeconds(bytes: Buffer, at: number, end: number): number | null {
  if (bytes[at] === Z) return at + 1 === end ? 0 : null;
  const sign = bytes[at] === 0x2b ? 1 : bytes[at] === DASH ? -1 : 0;
  if (sign === 0 || end - at !== 6 || bytes[at + 3] !== COLON) return null;
  const hours = digits(bytes, at + 1, 2);
  const minutes = digits(bytes, at + 4, 2);
  return hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ? null : sign * (hours * 3600 + minutes * 60);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

/** A whole number of so many digits, or -1. */
function digits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) {
    const digit = (bytes[at] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, “days from civil”). */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}
