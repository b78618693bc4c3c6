import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { equals, startsWith } from '../../src/filter/text-test.ts';
import { SLOT } from '../../src/event/field.ts';
import { eventOf } from '../event/event-of.ts';
import { choices, write } from '../event/writing.ts';

const TIME = Buffer.from('"stageTimestamp":"2024-01-01T00:00:00Z"}');
const texts = fc.string({
  unit: fc.constantFrom('a', 'b', '"', '\\', '\n', 'ü', '😀', '\ud83d', '\ufffd', '\0', 'u'),
  maxLength: 8,
});

function check(value: Buffer, literal: string): void {
  const event = eventOf(Buffer.concat([Buffer.from('{"verb":'), value, Buffer.from(','), TIME]));
  const text = event.text(SLOT.verb);
  expect(equals(SLOT.verb, literal)(event)).toBe(text === literal);
  expect(startsWith(SLOT.verb, literal)(event)).toBe(text.startsWith(literal));
}

test('comparing bytes gives what comparing texts gives, however they are written', () => {
  fc.assert(
    fc.property(texts, texts, fc.nat(), (text, other, seed) => {
      const value = Buffer.from(write(text, choices(seed)));
      for (const literal of [text, other, text.slice(0, 1), text.slice(1), `${text}a`, '']) check(value, literal);
    }),
  );
});

test('comparing bytes gives what comparing texts gives, on bytes that are no UTF-8', () => {
  const bytes = fc.uint8Array({ maxLength: 6 }).filter((some) => some.every((byte) => byte > 0x22 && byte !== 0x5c));
  fc.assert(
    fc.property(bytes, texts, (some, literal) => {
      const value = Buffer.from(`"${Buffer.from(some).toString('latin1')}"`, 'latin1');
      check(value, literal);
      check(value, Buffer.from(some).toString());
      check(value, Buffer.from(some).toString().slice(0, 1));
    }),
  );
});

test('a field that is unset, null or no string is the empty text', () => {
  for (const line of ['{', '{"verb":null,', '{"verb":5,', '{"verb":["a"],', '{"verb":"",']) {
    const event = eventOf(line + TIME.toString());
    expect(equals(SLOT.verb, '')(event)).toBe(true);
    expect(startsWith(SLOT.verb, '')(event)).toBe(true);
    expect(equals(SLOT.verb, 'a')(event)).toBe(false);
    expect(startsWith(SLOT.verb, '5')(event)).toBe(false);
  }
});
