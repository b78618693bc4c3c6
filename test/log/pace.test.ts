import { expect, test } from 'vitest';
import { pauseMs } from '../../src/log/pace.ts';

const START = Date.UTC(2026, 10, 23);

/** Instants of rotations that are so many milliseconds apart. */
function apart(...lives: readonly number[]): readonly number[] {
  return lives.reduce<number[]>((instants, life) => [...instants, (instants.at(-1) ?? START) + life], [START]);
}

test('a log that is not rotated is looked at as often as the outputs ask for', () => {
  expect(pauseMs({ activeMs: 100, instants: [], backups: 0 })).toBe(100);
  expect(pauseMs({ activeMs: 100, instants: [START], backups: 1 })).toBe(100);
});

test('files that stay for minutes change nothing', () => {
  expect(pauseMs({ activeMs: 100, instants: apart(20_000, 21_000, 19_000), backups: 10 })).toBe(100);
});

test('files that stay for a second and a half are looked at many times in it', () => {
  expect(pauseMs({ activeMs: 100, instants: apart(500, 520, 480), backups: 2 })).toBe(22);
});

test('the more backups are kept, the longer a file stays', () => {
  expect(pauseMs({ activeMs: 100, instants: apart(500, 520, 480), backups: 10 })).toBe(82);
});

test('rotations that come in bursts are met with looks as close as they can be', () => {
  expect(pauseMs({ activeMs: 100, instants: apart(500, 30, 500), backups: 2 })).toBe(5);
});

test('a burst is forgotten some rotations later', () => {
  const later = Array.from({ length: 20 }, () => 500);
  expect(pauseMs({ activeMs: 100, instants: apart(30, ...later), backups: 2 })).toBe(23);
});

test('an output that asks for less is given less', () => {
  expect(pauseMs({ activeMs: 5, instants: apart(20_000), backups: 2 })).toBe(5);
  expect(pauseMs({ activeMs: 2, instants: apart(1), backups: 0 })).toBe(2);
});
