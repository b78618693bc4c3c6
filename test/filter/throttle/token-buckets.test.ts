import { expect, test } from 'vitest';
import { TokenBuckets } from '../../../src/filter/throttle/token-buckets.ts';

test('events out of order neither fill a bucket twice nor empty it', () => {
  const buckets = new TokenBuckets(1, 2, 10);
  expect([1000, 600, 800, 1000, 2000, 1900, 3000].map((time) => buckets.take('k', time))).toEqual([
    true,
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
});

test('a clock that was set back an hour does not stop the tokens for an hour', () => {
  const buckets = new TokenBuckets(1, 1, 10);
  const [now, before] = [7_200_000, 3_600_000];
  expect(buckets.take('k', now)).toBe(true);
  expect(buckets.take('k', before)).toBe(false);
  expect(buckets.take('k', before + 1000)).toBe(true);
});

test('a million keys take no more room than there is, and the one that is used most is not forgotten', () => {
  const buckets = new TokenBuckets(0.001, 1, 1000);
  expect(buckets.take('busy', 0)).toBe(true);
  let passed = 0;
  for (let index = 0; index < 1_000_000; index += 1) {
    buckets.take(`key-${index}`, index / 1000);
    if (index % 500 === 0 && buckets.take('busy', index / 1000)) passed += 1;
  }
  expect(buckets.size).toBe(1000);
  // A thousand seconds went by.
  expect(passed).toBeLessThanOrEqual(1);
});

test('what is forgotten begins anew with a full bucket', () => {
  const buckets = new TokenBuckets(0.001, 1, 1);
  expect(buckets.take('a', 0)).toBe(true);
  expect(buckets.take('a', 0)).toBe(false);
  buckets.take('b', 0);
  expect(buckets.take('a', 0)).toBe(true);
});
