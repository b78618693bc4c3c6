import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventOf } from './event-of.ts';

/** Nanoseconds since the epoch of a text in `stageTimestamp`, or why that is no event. */
function timeOf(text: string): bigint | string {
  try {
    return eventOf({ stageTimestamp: text }).timeNs();
  } catch (error) {
    return (error as Error).message.slice(0, 12);
  }
}

test('an instant is exact to the nanosecond, with any number of digits and any offset', () => {
  const dates = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  const offsets = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
  fc.assert(
    fc.property(
      dates,
      fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 9 }),
      fc.option(offsets),
      (date, digits, offset) => {
        const seconds = date.toISOString().slice(0, 19);
        const fraction = digits === '' ? '' : `.${digits}`;
        const minutes = Math.abs(offset ?? 0);
        const zone = `${(offset ?? 0) < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
        const text = `${seconds}${fraction}${offset === null ? 'Z' : zone}`;
        const utc = BigInt(Date.parse(`${seconds}Z`)) - BigInt(offset ?? 0) * 60_000n;
        expect({ text, ns: timeOf(text) }).toEqual({ text, ns: utc * 1_000_000n + BigInt(digits.padEnd(9, '0')) });
      },
    ),
    { numRuns: 1000 },
  );
});

test('a text with one character changed is an instant only where it is one by RFC 3339', () => {
  const form =
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
  const texts = fc.constantFrom('2024-02-29T23:59:59.123456Z', '2023-12-31T00:00:00Z', '2000-02-29T12:00:00.1+05:30');
  fc.assert(
    fc.property(texts, fc.nat(), fc.constantFrom(...'0123456789-:.TZz+ t', ''), (text, place, character) => {
      const at = place % (text.length + 1);
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      // Date.parse takes more forms than RFC 3339, and rolls the 30th of February over.
      const midnight = new Date(`${changed.slice(0, 10)}T00:00:00Z`);
      const real = form.test(changed) && midnight.toISOString().slice(0, 10) === changed.slice(0, 10);
      expect({ changed, is: typeof timeOf(changed) === 'bigint' }).toEqual({ changed, is: real });
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['2024-01-01T00:00:00.000000Z', 1_704_067_200_000_000_000n],
  ['1970-01-01T00:00:00.000000001Z', 1n],
  ['1969-12-31T23:59:59.999999999Z', -1n],
  ['0001-01-01T00:00:00Z', -62_135_596_800_000_000_000n],
  ['9999-12-31T23:59:59.999999999Z', 253_402_300_799_999_999_999n],
  ['2024-02-29T00:00:00+23:59', 1_709_078_460_000_000_000n],
])('%s is %s', (text, ns) => {
  expect(timeOf(text)).toBe(ns);
});

test.each([
  '2023-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2024-04-31T00:00:00Z',
  '2024-01-01T00:00:60Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T00:00:00.1234567890Z',
  '2024-01-01T00:00:00.Z',
  '2024-01-01T00:00:00',
  '2024-01-01',
])('%s is no instant', (text) => {
  expect(timeOf(text)).toBe('no-timestamp');
});
