import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonScanner } from '../../src/event/json.ts';
import { choices, write } from './writing.ts';

const scanner = new JsonScanner();

function valueEnd(bytes: Buffer): number {
  scanner.on(bytes, bytes.length);
  return scanner.value(0);
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

const texts = fc.tuple(fc.jsonValue(), fc.nat()).map(([value, seed]) => write(value, choices(seed)).trim());

test('the end of any value is found, whatever stands behind it', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom('', ',', ' x', '}', ']', '\0', ':'), (text, behind) => {
      expect(valueEnd(Buffer.from(text + behind))).toBe(Buffer.byteLength(text));
    }),
  );
});

test('what is cut off is wrong at the cut and not before, whatever stands there', () => {
  fc.assert(
    fc.property(texts, fc.nat(), (text, place) => {
      const whole = Buffer.from(text);
      const cut = place % whole.length;
      const head = whole.subarray(0, cut);
      // A number may be whole where it is cut.
      const expected = /^-?\d/.test(text) && isJson(head) ? cut : ~cut;
      expect(valueEnd(head)).toBe(expected);
      expect(valueEnd(Buffer.concat([head, Buffer.from('\0"}]')]))).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test('every byte at every place of a string is taken if JSON.parse takes it there', () => {
  const wrong: string[] = [];
  for (let length = 1; length <= 9; length += 1) {
    for (let place = 0; place < length; place += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        for (const filler of [0x61, 0xff]) {
          const bytes = Buffer.alloc(length + 2, filler);
          bytes[0] = 0x22;
          bytes[length + 1] = 0x22;
          bytes[1 + place] = byte;
          if ((valueEnd(bytes) === bytes.length) !== isJson(bytes)) wrong.push(bytes.toString('hex'));
        }
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('any two special bytes of a string, one behind the other, are taken if JSON.parse takes them', () => {
  const special = [0x00, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff, 0x6e, 0x75];
  for (const first of special) {
    for (const second of special) {
      for (let place = 0; place < 6; place += 1) {
        const bytes = Buffer.from(`"${'a'.repeat(8)}"`);
        bytes[1 + place] = first;
        bytes[2 + place] = second;
        expect([first, second, place, valueEnd(bytes) === bytes.length]).toEqual([first, second, place, isJson(bytes)]);
      }
    }
  }
});

test('nothing behind the end counts, as close to the end of the buffer as it may be', () => {
  const bytes = Buffer.from('["ab\\u00e4cd",1.5e+7,true,{"k":null}]');
  for (let end = 0; end < bytes.length; end += 1) {
    scanner.on(bytes, end);
    expect(scanner.value(0)).toBe(~end);
  }
});

test('ten thousand levels are taken, and tens of millions are wrong without taking memory', () => {
  for (const depth of [9000, 100_000]) {
    const deep = Buffer.from('[{"a":'.repeat(depth / 2) + '}]'.repeat(depth / 2));
    expect(valueEnd(deep)).toBe(~(6 * (depth / 2)));
    const sound = Buffer.from(`${'[{"a":'.repeat(depth / 2)}0${'}]'.repeat(depth / 2)}`);
    expect(valueEnd(sound)).toBe(sound.length);
  }
  const before = process.memoryUsage().arrayBuffers;
  expect(valueEnd(Buffer.alloc(40_000_000, '['))).toBeLessThan(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000);
});
