import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { headerSafe } from '../../../src/output/http/header-template.ts';

it('makes of any text one line of printable ASCII, and no more than 256 of it', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 400 }));
  fc.assert(
    fc.property(text, (value) => {
      const safe = headerSafe(value);
      expect(safe).toMatch(/^[\x20-\x7e]{0,256}$/);
      if (/^[\x20-\x7e]{0,256}$/.test(value)) expect(safe).toBe(value);
    }),
  );
});
