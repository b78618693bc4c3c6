import { expect, it } from 'vitest';
import { readingLine } from '../../src/cli/input-progress.ts';

it('says how much is read, and how long it will take, where that can be known', () => {
  expect(readingLine({ readBytes: 2 ** 20, totalBytes: 4 * 2 ** 20 }, 2)).toBe(
    '[######------------------]  25 %  1.0 MiB of 4.0 MiB  512 KiB/s  6s left',
  );
  expect(readingLine({ readBytes: 2 ** 20, totalBytes: 0 }, 2)).toBe('1.0 MiB  512 KiB/s');
  expect(readingLine({ readBytes: 0, totalBytes: 10 }, 0)).toBe('[------------------------]   0 %  0 B of 10 B  0 B/s');
  // A log that grows while it is read.
  expect(readingLine({ readBytes: 20, totalBytes: 10 }, 1)).toContain('100 %');
});
