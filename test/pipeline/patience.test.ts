import { expect, it } from 'vitest';
import { Patience } from '../../src/pipeline/patience.ts';

const silent = () => undefined;

function setUp() {
  const now = { ms: 0, secondsLeft: null as number | null, looks: 0 };
  const said: { message: string; fields: object }[] = [];
  const patience = new Patience({
    output: 'search',
    pressure: () => {
      now.looks += 1;
      return { secondsLeft: now.secondsLeft };
    },
    notes: {
      info: silent,
      error: silent,
      sent: silent,
      warn: (message, fields) => void said.push({ message, fields }),
    },
    now: () => now.ms,
  });
  return { now, said, patience };
}

it('a backlog may wait as long as nothing of it is about to go', () => {
  const { now, patience, said } = setUp();
  expect(patience.mayWait()).toBe(true);
  now.ms += 1000;
  now.secondsLeft = 3600;
  expect(patience.mayWait()).toBe(true);
  expect(said).toEqual([]);
});

it('with less than a minute left it may not, which is said, and may again after that', () => {
  const { now, patience, said } = setUp();
  now.secondsLeft = 59;
  expect(patience.mayWait()).toBe(false);
  expect(said).toEqual([
    {
      message: 'live-first gives way: files might be gone before they are read',
      fields: { output: 'search', secondsLeft: 59 },
    },
  ]);
  now.ms += 1000;
  now.secondsLeft = 61;
  expect(patience.mayWait()).toBe(true);
});

it('looks once a second, however often it is asked', () => {
  const { now, patience } = setUp();
  for (let asked = 0; asked < 100; asked += 1) {
    patience.mayWait();
    now.ms += 10;
  }
  expect(now.looks).toBe(1);
});
