import { expect, test } from 'vitest';
import { Rate } from '../../src/demo/rate.ts';

test('one sample has no rate', () => {
  expect(new Rate().sample(1000, 5)).toBe(0);
});

test('the rate is the growth over the last two seconds, whatever was before', () => {
  const rate = new Rate();
  for (let second = 0; second <= 5; second += 1) rate.sample(second * 1000, second * 1000);
  expect(rate.sample(5000, 6000)).toBe(500);
  expect(rate.sample(5000, 7000)).toBe(0);
});
