import { describe, expect, it } from 'vitest';
import { type Pressure, ReadLimit } from '../../src/pipeline/read-limit.ts';

const MI = 2 ** 20;

function setUp(pressure: Partial<Pressure> = {}, maxReadRate: number | 'off' = 20 * MI) {
  const clock = { ms: 1000 };
  const now: { pressure: Pressure } = {
    pressure: { bytesPerSecond: 0, secondsLeft: null, unreadBytes: 100 * MI, ...pressure },
  };
  const said: { message: string; fields: object }[] = [];
  const limit = new ReadLimit({
    output: 'search',
    maxReadRate,
    pressure: () => now.pressure,
    notes: {
      info: () => undefined,
      warn: (message, fields) => void said.push({ message, fields }),
      error: () => undefined,
      sent: () => undefined,
    },
    now: () => clock.ms,
  });
  /** Reads chunks as fast as it may for so long, and gives the bytes. */
  const readFor = (seconds: number, chunk = MI): number => {
    let bytes = 0;
    for (const end = clock.ms + seconds * 1000; clock.ms < end; ) {
      const waitMs = limit.waitMs();
      if (waitMs > 0) {
        clock.ms += waitMs;
        continue;
      }
      limit.took(chunk);
      bytes += chunk;
      // So fast is the reading itself, 200 MB/s.
      clock.ms += chunk / 200_000;
    }
    return bytes;
  };
  return { clock, now, said, limit, readFor };
}

describe('a limit on the rate of reading', () => {
  it('never waits where there is none', () => {
    const { limit, readFor } = setUp({}, 'off');
    expect(readFor(1)).toBeGreaterThan(150 * MI);
    expect(limit.status).toBeNull();
  });

  it.each([4 * 1024, MI, 8 * MI])('is kept to within two chunks of a quarter of a second, in chunks of %i', (chunk) => {
    const { readFor } = setUp();
    const bytes = readFor(20, chunk);
    expect(bytes).toBeGreaterThan(20 * 20 * MI * 0.99);
    expect(bytes).toBeLessThan(20 * 20 * MI * 1.01 + 5 * MI + chunk);
  });

  it('lets a burst through after a pause, but no more than a quarter of a second of it', () => {
    const { clock, limit } = setUp();
    expect(limit.waitMs()).toBe(0);
    clock.ms += 60_000;
    let burst = 0;
    while (limit.waitMs() === 0) {
      limit.took(MI / 4);
      burst += MI / 4;
    }
    expect(burst).toBeGreaterThanOrEqual(5 * MI);
    expect(burst).toBeLessThanOrEqual(5.25 * MI);
  });

  it('makes a large read wait for what it was, looking up twice a second', () => {
    const { clock, limit } = setUp();
    limit.waitMs();
    limit.took(40 * MI);
    let waits = 0;
    for (let waitMs = limit.waitMs(); waitMs > 0; waitMs = limit.waitMs()) {
      clock.ms += waitMs;
      waits += 1;
    }
    expect(clock.ms - 1000).toBe(2000);
    expect(waits).toBe(4);
    expect(limit.status).toEqual({ maxReadRate: 20 * MI, givesWay: false, heldBackSeconds: 2 });
  });

  it('is raised to a quarter more than the log grows by, and falls back', () => {
    const { now, readFor } = setUp({ bytesPerSecond: 40 * MI });
    expect(readFor(10) / 10 / MI).toBeCloseTo(50, -0.5);
    now.pressure = { ...now.pressure, bytesPerSecond: 1 * MI };
    readFor(1);
    expect(readFor(10) / 10 / MI).toBeCloseTo(20, -0.5);
  });

  it('gives way while the oldest file might go within half a minute, or within twice what it takes', () => {
    const { now, readFor, said, limit } = setUp({ secondsLeft: 29 });
    expect(readFor(1)).toBeGreaterThan(150 * MI);
    expect(limit.status?.givesWay).toBe(true);
    now.pressure = { ...now.pressure, secondsLeft: 31 };
    readFor(1);
    expect(readFor(10) / 10 / MI).toBeCloseTo(20, -0.5);
    expect(limit.status?.givesWay).toBe(false);
    now.pressure = { bytesPerSecond: 0, secondsLeft: 59, unreadBytes: 600 * MI };
    readFor(1);
    expect(readFor(1)).toBeGreaterThan(150 * MI);
    expect(said).toEqual([
      {
        message: 'maxReadRate gives way: files might be gone before they are read',
        fields: { output: 'search', maxReadRate: 20 * MI, secondsLeft: 29 },
      },
    ]);
  });

  it('owes nothing for what was read while it gave way', () => {
    const { now, readFor, limit, clock } = setUp({ secondsLeft: 0 });
    readFor(2);
    now.pressure = { ...now.pressure, secondsLeft: null };
    clock.ms += 100;
    limit.waitMs();
    expect(readFor(1)).toBeGreaterThan(15 * MI);
  });

  it('does not give way where there is nothing to read', () => {
    const { limit } = setUp({ secondsLeft: 0, unreadBytes: 0 });
    limit.waitMs();
    expect(limit.status?.givesWay).toBe(false);
  });

  it('takes a clock that stands or goes back', () => {
    const { clock, limit } = setUp();
    limit.waitMs();
    limit.took(MI);
    clock.ms -= 500;
    expect(limit.waitMs()).toBe(50);
    clock.ms += 50;
    expect(limit.waitMs()).toBe(0);
  });
});
