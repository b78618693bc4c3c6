import { describe, expect, it } from 'vitest';
import { BatchBuilder, type Batch } from '../../src/pipeline/batch.ts';
import { deliver, type Delivered, type DeliveryContext } from '../../src/pipeline/delivery.ts';
import { Evidence } from '../../src/pipeline/evidence.ts';
import type { Again } from '../../src/output/output.ts';
import { randomFrom } from './random.ts';
import { refuse, type Script, ScriptedOutput, STORED } from './scripted-output.ts';

const retry = { initialDelay: 500, maxDelay: 30_000 };

function batchOf(count: number): Batch {
  const builder = new BatchBuilder(1024);
  for (let item = 0; item < count; item += 1) {
    const start = builder.length;
    const line = Buffer.from(`event-${item}`);
    builder.event(line, 0, line.length);
    builder.add(start, item * 10, 10);
  }
  return builder.seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: count * 10 });
}

interface Run {
  readonly output: ScriptedOutput;
  readonly waits: { state: string; again: Again; delayMs: number }[];
  readonly lent: boolean[];
  readonly tooLarge: number[];
  readonly delivered: Promise<Delivered>;
  readonly stop: AbortController;
  readonly evidence: Evidence;
}

/** Delivers a batch of so many events to a receiver that follows a script; waits take no time, a thousand at most. */
function run(
  count: number,
  script: Script,
  options: {
    random?: () => number;
    evidence?: Evidence;
    maxWaits?: number;
    ordered?: boolean;
    onWait?: (run: Run) => void;
  } = {},
): Run {
  const batch = batchOf(count);
  const stop = new AbortController();
  const evidence = options.evidence ?? new Evidence();
  const running: { -readonly [Key in keyof Run]: Run[Key] } = {
    output: new ScriptedOutput(script),
    waits: [],
    lent: [],
    tooLarge: [],
    stop,
    evidence,
    delivered: Promise.resolve({ rejected: [], duplicates: 0, gone: [] }),
  };
  const context: DeliveryContext = {
    output: running.output,
    retry,
    evidence,
    random: options.random ?? randomFrom(7),
    answered: () => undefined,
    waiting: (state, again, delayMs) => void running.waits.push({ state, again, delayMs }),
    suspect: (alone) => void running.lent.push(alone),
    tooLarge: (bytes) => void running.tooLarge.push(bytes),
    ordered: options.ordered ?? false,
    batch: async () => batch,
    sleep: async (_ms, signal) => {
      options.onWait?.(running);
      if (running.waits.length >= (options.maxWaits ?? 1000)) stop.abort(new Error('waited long enough'));
      signal.throwIfAborted();
    },
  };
  running.delivered = deliver(count, context, stop.signal);
  return running;
}

function all(count: number): string[] {
  return Array.from({ length: count }, (_, item) => `event-${item}`);
}

/** Refuses every request that holds one of these events. */
function poison(items: readonly number[], how: Again['how'], status: number): Script {
  const bad = new Set(items.map((item) => `event-${item}`));
  return (lines, _request, part) => (lines.some((line) => bad.has(line)) ? refuse(part, how, status) : STORED);
}

const down: Script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');

describe('a delivery', () => {
  it('sends everything in one request where the receiver takes it', async () => {
    const { output, waits, delivered } = run(3, () => STORED);
    expect(await delivered).toEqual({ rejected: [], duplicates: 0, gone: [] });
    expect(output.requests).toEqual([[0, 1, 2]]);
    expect(waits).toEqual([]);
  });

  it('sends a batch again until it is taken, and waits in between', async () => {
    const { output, waits, delivered } = run(2, (_lines, request, part) =>
      request < 3 ? refuse(part, 'retry', 0, 'refused') : STORED,
    );
    await delivered;
    expect(output.stored).toEqual(all(2));
    expect(waits.map(({ state }) => state)).toEqual(['retrying', 'retrying', 'retrying']);
  });

  it('waits at random below a bound that doubles up to maxDelay', async () => {
    const longest = run(1, down, { random: () => 0.999_999, maxWaits: 9 });
    await expect(longest.delivered).rejects.toThrow('waited long enough');
    expect(longest.waits.map(({ delayMs }) => delayMs)).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
    const shortest = run(1, down, { random: () => 0, maxWaits: 5 });
    await expect(shortest.delivered).rejects.toThrow('waited long enough');
    expect(shortest.waits.map(({ delayMs }) => delayMs)).toEqual([0, 0, 0, 0, 0]);
  });

  it('waits as long as the receiver asks for, also beyond maxDelay', async () => {
    const { waits, delivered } = run(1, (_lines, request, part) =>
      request === 0 ? refuse(part, 'retry', 429, 'busy', { retryAfterMs: 120_000 }) : STORED,
    );
    await delivered;
    expect(waits.map(({ delayMs }) => delayMs)).toEqual([120_000]);
  });

  it('begins with short waits again once something was taken', async () => {
    const { waits, delivered } = run(
      2,
      (_lines, request, part) => {
        if (request < 5) return refuse(part, 'retry', 0, 'refused');
        if (request === 5) return { again: [{ how: 'retry', items: [1], status: 429, reason: 'busy', words: '' }] };
        return STORED;
      },
      { random: () => 0.999_999 },
    );
    await delivered;
    expect(waits.map(({ delayMs }) => delayMs)).toEqual([500, 1000, 2000, 4000, 8000, 500]);
  });

  it('sends only those items again that were refused', async () => {
    const { output, delivered } = run(5, (_lines, request) =>
      request === 0
        ? { again: [{ how: 'retry', items: [1, 3], status: 429, reason: 'busy', words: '' }], duplicates: 1 }
        : STORED,
    );
    expect((await delivered).duplicates).toBe(1);
    expect(output.requests).toEqual([
      [0, 1, 2, 3, 4],
      [1, 3],
    ]);
    expect(output.stored.toSorted()).toEqual(all(5));
  });

  it('passes on what the receiver itself refused for good', async () => {
    const rejected = [{ item: 1, status: 400, reason: 'mapper', words: 'no', outcome: 'deadLettered' as const }];
    const { output, delivered } = run(3, () => ({ rejected }));
    expect((await delivered).rejected).toEqual(rejected);
    expect(output.requests).toHaveLength(1);
  });

  it('halves at once what is too large, down to one event, which is refused for good', async () => {
    const { output, waits, tooLarge, delivered } = run(8, (lines, _request, part) =>
      lines.length > 2 || lines.includes('event-5') ? refuse(part, 'split', 413, 'too-large') : STORED,
    );
    expect((await delivered).rejected).toMatchObject([{ item: 5, reason: 'too-large', outcome: 'deadLettered' }]);
    expect(output.stored.toSorted()).toEqual(all(8).toSpliced(5, 1));
    expect(waits).toEqual([]);
    // Of one event alone it says nothing: batches cannot be cut smaller than that.
    expect(tooLarge.map((bytes) => bytes / batchOf(1).bytes.length)).toEqual([8, 4, 4, 2]);
  });

  it('finds one bad event among a thousand with few requests', async () => {
    for (const item of [0, 1, 499, 500, 998, 999]) {
      const { output, delivered } = run(1000, poison([item], 'suspect', 400));
      expect((await delivered).rejected.map((one) => one.item)).toEqual([item]);
      expect(output.stored).toHaveLength(999);
      expect(new Set(output.stored)).toHaveProperty('size', 999);
      expect(output.requests.length).toBeLessThan(32);
    }
  });

  it('finds two bad events, also where there is one in either half', async () => {
    for (const items of [
      [0, 999],
      [10, 11],
      [250, 750],
      [499, 500],
    ]) {
      const { output, delivered } = run(1000, poison(items, 'suspect', 400));
      expect((await delivered).rejected.map((one) => one.item).toSorted((a, b) => a - b)).toEqual(items);
      expect(output.stored).toHaveLength(998);
      expect(output.requests.length).toBeLessThan(80);
    }
  });

  it('finds many bad events that stand in a row', async () => {
    const items = Array.from({ length: 40 }, (_, at) => at);
    const { output, delivered } = run(200, poison(items, 'suspect', 400));
    expect((await delivered).rejected.map((one) => one.item).toSorted((a, b) => a - b)).toEqual(items);
    expect(output.stored).toHaveLength(160);
  });

  it('finds a bad event on which the receiver itself falls over', async () => {
    // The neighbours in the batch have passed, and go on passing in other batches.
    const { output, delivered } = run(100, poison([42], 'retry', 500));
    expect((await delivered).rejected.map((one) => one.item)).toEqual([42]);
    expect(output.stored).toHaveLength(99);
  });

  it('gives nothing up where everything is refused alike, however long it takes', async () => {
    for (const how of ['suspect', 'retry', 'hold'] as const) {
      const { output, delivered, waits } = run(50, (_lines, _request, part) => refuse(part, how, 400), {
        maxWaits: 500,
      });
      await expect(delivered).rejects.toThrow('waited long enough');
      expect(output.stored).toEqual([]);
      expect(waits.at(-1)?.state).toBe(how === 'retry' ? 'retrying' : 'holding');
      // Trying parts must not multiply what an overloaded receiver gets.
      expect(output.requests.length).toBeLessThan(waits.length * 2);
    }
  });

  it('never gives an event up that is alone: there is nothing to compare it with', async () => {
    for (const how of ['suspect', 'retry'] as const) {
      const { delivered, lent } = run(1, poison([0], how, 400), { maxWaits: 300 });
      await expect(delivered).rejects.toThrow('waited long enough');
      expect(lent).toContain(true);
      expect(lent.at(-1)).toBe(false);
    }
  });

  it('gives it up once other batches pass', async () => {
    const evidence = new Evidence();
    const { delivered } = run(1, poison([0], 'suspect', 400), { evidence, onWait: () => evidence.note(true) });
    expect((await delivered).rejected).toMatchObject([{ item: 0, status: 400, reason: 'http-400' }]);
  });

  it('never gives an event up for lack of room or time, whatever passes beside it', async () => {
    for (const status of [408, 425, 429]) {
      const evidence = new Evidence();
      const { delivered } = run(1, poison([0], 'retry', status), {
        evidence,
        maxWaits: 200,
        onWait: () => evidence.note(true),
      });
      await expect(delivered).rejects.toThrow('waited long enough');
    }
  });

  it('gives up three events for what may be the receiver, and then waits for it', async () => {
    const evidence = new Evidence();
    const one = () => run(1, poison([0], 'retry', 503), { evidence, maxWaits: 200, onWait: () => evidence.note(true) });
    for (let event = 0; event < 3; event += 1) expect((await one().delivered).rejected).toHaveLength(1);
    const fourth = one();
    await expect(fourth.delivered).rejects.toThrow('waited long enough');
    expect(fourth.waits.at(-1)?.state).toBe('holding');
  });

  it('holds for ever where somebody has to mend something, and does not halve', async () => {
    const { output, waits, delivered } = run(10, (_lines, request, part) =>
      request < 60 ? refuse(part, 'hold', 401) : STORED,
    );
    expect((await delivered).rejected).toEqual([]);
    expect(output.requests.every((items) => items.length === 10)).toBe(true);
    expect(waits.every(({ state }) => state === 'holding')).toBe(true);
  });

  it('tries halves where a body is answered with a reset, and blames no event for it', async () => {
    const { output, delivered } = run(64, (lines, _request, part) =>
      lines.length > 10 ? refuse(part, 'retry', 0, 'reset') : STORED,
    );
    expect((await delivered).rejected).toEqual([]);
    expect(output.stored.toSorted()).toEqual(all(64).toSorted());
    const stuck = run(
      64,
      (lines, _request, part) => (lines.includes('event-9') ? refuse(part, 'retry', 0, 'reset') : STORED),
      { maxWaits: 300 },
    );
    await expect(stuck.delivered).rejects.toThrow('waited long enough');
    expect(stuck.output.stored).toHaveLength(63);
  });

  it('loses no event to a server that resets every fifth connection', async () => {
    for (let phase = 0; phase < 5; phase += 1) {
      for (const count of [1, 2, 7, 100]) {
        const flaky: Script = (_lines, request, part) =>
          request % 5 === phase ? refuse(part, 'retry', 0, 'reset') : STORED;
        const { output, delivered } = run(count, flaky);
        expect((await delivered).rejected).toEqual([]);
        expect(output.stored.toSorted()).toEqual(all(count).toSorted());
      }
    }
  });

  it('loses no event to a balancer with one of two servers dead', async () => {
    const random = randomFrom(20_261_123);
    const evidence = new Evidence();
    let rejected = 0;
    for (let batch = 0; batch < 300; batch += 1) {
      const flaky: Script = (_lines, _request, part) => (random() < 0.5 ? refuse(part, 'retry', 502) : STORED);
      const { output, delivered } = run(20, flaky, { evidence, random });
      rejected += (await delivered).rejected.length;
      expect(output.stored).toHaveLength(20);
    }
    expect(rejected).toBe(0);
  });

  it('stores nothing before what comes earlier where order is asked for, whenever the receiver recovers', async () => {
    for (let failing = 0; failing < 40; failing += 1) {
      const recovering: Script = (_lines, request, part) => (request < failing ? refuse(part, 'retry', 503) : STORED);
      const { output, delivered, lent } = run(9, recovering, { ordered: true });
      await delivered;
      expect(output.stored).toEqual(all(9));
      expect(lent).not.toContain(true);
    }
  });

  it('finds an event on which the receiver falls over in order, once enough before it have passed', async () => {
    const { output, delivered } = run(100, poison([42], 'retry', 500), { ordered: true });
    expect((await delivered).rejected.map((one) => one.item)).toEqual([42]);
    expect(output.stored).toEqual(all(100).toSpliced(42, 1));
  });

  it('asks after a restart for what the receiver has, until it says so, and sends the rest', async () => {
    const batch = batchOf(4);
    const output = new ScriptedOutput();
    let asked = 0;
    const busy = { how: 'retry', items: [0, 1, 2, 3], status: 503, reason: 'look-up', words: '' } as const;
    const lookUp = async () => (++asked < 3 ? { known: [], again: busy } : { known: [0, 2] });
    const waits: string[] = [];
    const context: DeliveryContext = {
      output: Object.assign(output, { lookUp }),
      retry,
      evidence: new Evidence(),
      random: () => 0,
      answered: () => undefined,
      waiting: (state) => void waits.push(state),
      suspect: () => undefined,
      tooLarge: () => undefined,
      ordered: false,
      batch: async () => batch,
      sleep: async () => undefined,
    };
    const signal = new AbortController().signal;
    expect(await deliver(4, { ...context, again: true }, signal)).toEqual({ rejected: [], duplicates: 2, gone: [] });
    expect(output.requests).toEqual([[1, 3]]);
    expect(waits).toEqual(['retrying', 'retrying']);
    await deliver(4, context, signal);
    expect([asked, output.requests[1]]).toEqual([3, [0, 1, 2, 3]]);
  });

  it.each([
    ['by itself', 1],
    ['before others', 5],
  ])('raises the alarm over an event on which the receiver falls over in order, %s', async (_, count) => {
    const { waits, delivered, output } = run(count, poison([0], 'retry', 500), { ordered: true, maxWaits: 60 });
    await expect(delivered).rejects.toThrow('waited long enough');
    expect(output.stored).toEqual([]);
    const states = waits.map(({ state }) => state);
    expect(states.slice(0, 31)).not.toContain('holding');
    expect(states.slice(31)).not.toContain('retrying');
  });

  it('goes on retrying quietly while the receiver cannot be reached or has too much to do', async () => {
    for (const [status, reason] of [
      [0, 'refused'],
      [429, 'http-429'],
    ] as const) {
      const busy: Script = (_lines, _request, part) => refuse(part, 'retry', status, reason);
      const { waits, delivered } = run(1, busy, { ordered: true, maxWaits: 60 });
      await expect(delivered).rejects.toThrow('waited long enough');
      expect(waits.map(({ state }) => state)).not.toContain('holding');
    }
  });

  it('ends in the middle when it is told to stop, and says nothing of what was refused then', async () => {
    const running = run(4, (_lines, request, part) => {
      if (request === 1) running.stop.abort(new Error('stopped'));
      return refuse(part, 'retry', 503);
    });
    await expect(running.delivered).rejects.toThrow('stopped');
    expect(running.output.requests).toHaveLength(2);
  });

  it('counts an answer that came in spite of being told to stop', async () => {
    const running = run(4, () => {
      running.stop.abort(new Error('stopped'));
      return STORED;
    });
    expect((await running.delivered).rejected).toEqual([]);
  });

  it('says which items could not be had any more', async () => {
    const batch = batchOf(2);
    let asked = 0;
    const context: DeliveryContext = {
      output: new ScriptedOutput((_lines, _request, part) => refuse(part, 'retry', 503)),
      retry,
      evidence: new Evidence(),
      random: () => 0,
      answered: () => undefined,
      waiting: () => undefined,
      suspect: () => undefined,
      tooLarge: () => undefined,
      ordered: false,
      batch: async () => (asked++ === 0 ? batch : null),
      sleep: async () => undefined,
    };
    expect((await deliver(2, context, new AbortController().signal)).gone).toEqual([0, 1]);
  });
});
