import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { varintLength, writeVarint } from '../src/varint.ts';

it('a varint is read back as the number that it was, has its length, and leaves other bytes alone', () => {
  const borders = fc.tuple(fc.nat(52), fc.constantFrom(-1, 0, 1)).map(([power, off]) => Math.max(0, 2 ** power + off));
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(70_000), borders), fc.nat(3), (value, start) => {
      const bytes = Buffer.alloc(16, 0xee);
      const end = writeVarint(bytes, start, value);
      expect(end - start).toBe(varintLength(value));
      expect([...bytes.subarray(0, start), ...bytes.subarray(end)].every((byte) => byte === 0xee)).toBe(true);
      const groups = [...bytes.subarray(start, end)];
      expect(groups.map((byte) => byte > 0x7f)).toEqual(groups.map((_, at) => at < groups.length - 1));
      expect(groups.reduce((sum, byte, at) => sum + BigInt(byte & 0x7f) * 128n ** BigInt(at), 0n)).toBe(BigInt(value));
    }),
  );
});
