import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogNames } from '../../src/log/file-name.ts';

const live = fc.stringMatching(/^[a-z.-]{1,12}$/).filter((name) => name !== '.' && name !== '..');

test('every name that is given to a backup is read back to the same instant', () => {
  const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(live, instant, fc.boolean(), (file, instantMs, compressed) => {
      const names = new LogNames(`/d/${file}`);
      const stem = names.backup(instantMs);
      expect(names.parse(compressed ? `${stem}.gz` : stem)).toMatchObject({ stem, instantMs, compressed });
    }),
  );
});

test('whatever is taken for a backup is a name that the writer would give', () => {
  const digits = fc.stringMatching(/^[0-9T.-]{23}$/);
  fc.assert(
    fc.property(fc.oneof(digits, fc.string()), fc.boolean(), (middle, compressed) => {
      const names = new LogNames('/d/audit.log');
      const parsed = names.parse(`audit-${middle}.log${compressed ? '.gz' : ''}`);
      if (parsed !== null) expect(names.backup(parsed.instantMs)).toBe(parsed.stem);
    }),
  );
});
