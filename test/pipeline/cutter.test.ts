import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/event/event.ts';
import { EventView } from '../../src/event/event-view.ts';
import { SLOT } from '../../src/event/field.ts';
import type { Filter } from '../../src/filter/filter.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { cutAll, newCutter } from './cut.ts';
import { eventLine, idOf, PASS_ALL } from './pipeline-harness.ts';
import { ScriptedOutput } from './scripted-output.ts';

const LINE = Buffer.byteLength(eventLine(0));

function events(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, id) => eventLine(id)).join(''));
}

/** Drops events with these ids. */
function dropping(...ids: readonly string[]): Filter {
  const drop = { type: 'drop', rule: 0 } as const;
  const pass = { type: 'pass' } as const;
  return { ...PASS_ALL, rules: ['by-id'], judge: (event) => (ids.includes(event.text(SLOT.auditID)) ? drop : pass) };
}

describe('a cutter', () => {
  it('closes a batch on events, exactly', () => {
    const batches = cutAll(newCutter({ maxEvents: 3 }), events(7));
    expect(batches.map(({ items }) => items.length)).toEqual([3, 3, 1]);
    expect(batches.map(({ from, to }) => [from, to])).toEqual([
      [0, 3 * LINE],
      [3 * LINE, 6 * LINE],
      [6 * LINE, 7 * LINE],
    ]);
  });

  it('closes a batch on encoded bytes, and never lets it grow beyond them', () => {
    // An item is as long as its line here.
    for (const maxBytes of [2 * LINE - 1, 2 * LINE, 2 * LINE + 1, 3 * LINE - 1]) {
      const batches = cutAll(newCutter({ maxBytes }), events(5));
      const most = Math.floor(maxBytes / LINE);
      expect(batches.map(({ items }) => items.length)).toEqual(most === 2 ? [2, 2, 1] : [1, 1, 1, 1, 1]);
      for (const { body } of batches) expect(body.length).toBeLessThanOrEqual(maxBytes);
    }
  });

  it('does not ask more of an output than it takes in one request', () => {
    const output = new ScriptedOutput(undefined, { maxBatchBytes: 2 * LINE });
    const batches = cutAll(newCutter({ output, maxBytes: 100 * LINE }), events(4));
    expect(batches.map(({ items }) => items.length)).toEqual([2, 2]);
  });

  it('gives an event that is larger than a batch a batch of its own', () => {
    const content = Buffer.concat([events(1), Buffer.from(eventLine('large', 0, 10 * LINE)), events(1)]);
    const batches = cutAll(newCutter({ maxBytes: 3 * LINE }), content);
    expect(batches.map(({ items }) => items.map(({ event }) => idOf(event)))).toEqual([['0'], ['large'], ['0']]);
  });

  it('moves on over a long stretch of which nothing is let through', () => {
    const content = Buffer.from(eventLine('x', 0, 1_000_000).repeat(20));
    const batches = cutAll(newCutter({ filter: dropping('x') }), content);
    expect(batches.map(({ items }) => items.length)).toEqual([0, 0, 0]);
    expect(batches.at(-1)?.to).toBe(content.length);
    expect(batches.reduce((sum, { tally }) => sum + (tally.filtered['by-id'] ?? 0), 0)).toBe(20);
  });

  it('names a range by what it is: the same for the same, another for any other', () => {
    const [whole] = cutAll(newCutter(), events(4));
    expect(cutAll(newCutter(), events(4))[0]?.key).toBe(whole?.key);
    const keys = [
      ...cutAll(newCutter({ maxEvents: 2 }), events(4)),
      ...cutAll(newCutter({ filter: { ...PASS_ALL, hash: 'other' } }), events(4)),
      ...cutAll(newCutter(), events(4), LINE),
    ].map(({ key }) => key);
    expect(new Set([...keys, whole?.key]).size).toBe(5);
    expect(whole?.key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('sets malformed lines aside with their place and words, and delivers the others', () => {
    const content = Buffer.concat([events(1), Buffer.from('torn\n[1]\n{}\n'), events(1)]);
    const [batch] = cutAll(newCutter(), content);
    expect(batch?.items.map(({ offset }) => offset)).toEqual([0, LINE + 12]);
    expect(batch?.setAside).toEqual([
      { reason: 'not-json', offset: LINE, bytes: 'torn', counts: true },
      { reason: 'not-an-object', offset: LINE + 5, bytes: '[1]', counts: true },
      { reason: 'no-timestamp', offset: LINE + 9, bytes: '{}', counts: true },
    ]);
    expect(batch?.tally).toMatchObject({
      readEvents: 5,
      deadLettered: { 'not-json': 1, 'not-an-object': 1, 'no-timestamp': 1 },
    });
  });

  it('delivers a whole event that is glued behind a torn one', () => {
    const torn = eventLine('torn').slice(0, -30);
    const content = Buffer.from(`${torn}${eventLine('whole')}`);
    const [batch] = cutAll(newCutter(), content);
    expect(batch?.items).toMatchObject([{ offset: torn.length, bytes: content.length - torn.length }]);
    expect(batch?.setAside).toMatchObject([{ reason: 'torn', offset: 0, bytes: torn }]);
    expect(batch?.tally).toMatchObject({ readEvents: 2, readBytes: content.length });
  });

  it('passes over empty lines and NULs, wherever they stand', () => {
    const content = Buffer.concat([Buffer.from('\n\0\0\n\0\0'), events(1), Buffer.from('\n')]);
    const [batch] = cutAll(newCutter(), content);
    expect(batch?.items).toMatchObject([{ offset: 6, bytes: LINE }]);
    expect(batch?.tally).toMatchObject({ readEvents: 1, readBytes: LINE, skippedBytes: 7 });
    expect(batch?.setAside).toEqual([]);
  });

  it('keeps what an output can never send, and the whole of what it sends in part', () => {
    const output = new ScriptedOutput();
    output.refusal = (event) => {
      const id = event.text(SLOT.auditID);
      if (id === '0') return { reason: 'too-long', words: 'no' };
      return id === '1' ? { reduced: 'responseObject' } : null;
    };
    const [batch] = cutAll(newCutter({ output }), events(3));
    expect(batch?.items.map(({ event }) => idOf(event))).toEqual(['1', '2']);
    expect(batch?.setAside).toMatchObject([
      { reason: 'too-long', offset: 0, counts: true },
      { reason: 'reduced', offset: LINE, counts: false },
    ]);
    expect(batch?.tally).toMatchObject({ readEvents: 3, deadLettered: { 'too-long': 1 } });
  });

  it('encodes and keeps what a filter leaves of an event, and makes ids of the raw line', () => {
    const raws: string[] = [];
    const output = new ScriptedOutput();
    output.encode = (event, line, item) => {
      raws.push(line.bytes.toString('latin1', line.start, line.end));
      item.event(event.bytes, event.start, event.end);
      return event.text(SLOT.auditID) === 'cut-1' ? { reason: 'no', words: 'no' } : null;
    };
    const filter: Filter = { ...PASS_ALL, judge: (event) => ({ type: 'edit', splices: [nameSplice(event)] }) };
    const [batch] = cutAll(newCutter({ output, filter }), events(3));
    expect(raws).toEqual([0, 1, 2].map((id) => eventLine(id).trimEnd()));
    expect(batch?.items.map(({ event }) => idOf(event))).toEqual(['cut-0', 'cut-2']);
    expect(batch?.items.map(({ bytes }) => bytes)).toEqual([LINE, LINE]);
    expect(batch?.setAside.map(({ bytes }) => idOf(bytes))).toEqual(['cut-1']);
  });

  it('sets aside what a filter has edited into no event, in its edited form', () => {
    const filter: Filter = {
      ...PASS_ALL,
      judge: (event) => ({
        type: 'edit',
        splices: [{ start: event.start + 1, end: event.end - 1, with: Buffer.alloc(0) }],
      }),
    };
    const [batch] = cutAll(newCutter({ filter }), events(1));
    expect(batch?.setAside).toMatchObject([{ reason: 'no-timestamp', bytes: '{}' }]);
    expect(unaccounted({ ...expectTally(batch), delivered: 0 })).toMatchObject({ events: 0 });
  });

  it('remembers the last event, also where a malformed line stands behind it', () => {
    const cutter = newCutter();
    cutAll(cutter, Buffer.from(`${eventLine('a')}${eventLine('b')}torn\n`));
    expect(cutter.last).toMatchObject({ auditID: 'b', time: expect.stringContaining('2026') as string });
    cutAll(cutter, Buffer.from('torn\n'));
    expect(cutter.last).toMatchObject({ auditID: 'b' });
  });

  it('uses the memory of settled batches again', () => {
    const cutter = newCutter({ maxEvents: 10 });
    cutAll(cutter, events(100));
    const before = cutter.heldBytes;
    cutAll(cutter, events(1000));
    expect(cutter.heldBytes).toBe(before);
  });

  it('gives the memory of a large event back', () => {
    const cutter = newCutter();
    const before = cutter.heldBytes;
    cutAll(cutter, Buffer.concat([Buffer.from(eventLine('large', 0, 8_000_000)), events(3)]));
    expect(cutter.heldBytes).toBeLessThanOrEqual(before * 2);
  });

  it('gives memory back in which nothing is, and cuts on', () => {
    const event = new EventView();
    const cutter = newCutter({ maxEvents: 2, event });
    const one = newCutter().heldBytes;
    cutAll(cutter, events(4));
    expect(cutter.heldBytes).toBeGreaterThan(one);
    cutter.rest();
    expect(cutter.heldBytes).toBe(one);
    expect(event.bytes.length).toBe(0);
    expect(cutAll(cutter, events(4)).map(({ items }) => items.length)).toEqual([2, 2]);
  });

  it('reads what stands there, though it had looked further ahead in a buffer that holds something else now', () => {
    const bytes = Buffer.alloc(4096, 0x20);
    const first = [1, 2, 3, 4].map((id) => eventLine(id, 1e12, 100)).join('');
    bytes.write(first, 0, 'latin1');
    const cutter = newCutter({ maxEvents: 2 });
    cutter.begin(0);
    const at = cutter.cut(bytes, 0, first.length, 0);
    cutter.seal('segment');
    const others = [5, 6].map((id) => eventLine(id, 1e12, 33)).join('');
    bytes.write(others, at, 'latin1');

    cutter.cut(bytes, at, at + others.length, at);
    const { batch } = cutter.seal('segment');
    expect(batch.bytes.toString('latin1')).toBe(others);
    expect(batch.count).toBe(2);
  });

  it('shares its view of events with another that cuts elsewhere meanwhile', () => {
    const event = new EventView();
    const cutters = [1, 2].map(() => newCutter({ maxEvents: 1, event }));
    const logs = [100, 33].map((padding) => [1, 2, 3].map((id) => eventLine(id, 1e12, padding)));
    const ends = [0, 0];
    for (const turn of [0, 1, 2]) {
      for (const [which, cutter] of cutters.entries()) {
        const lines = logs[which] as string[];
        const bytes = Buffer.from(lines.join(''));
        const from = ends[which] as number;
        cutter.begin(from);
        ends[which] = cutter.cut(bytes, from, bytes.length, from);
        expect(cutter.seal('segment').batch.bytes.toString('latin1')).toBe(lines[turn]);
      }
    }
  });
});

function nameSplice(event: Event) {
  const at = event.valueStart(SLOT.auditID) + 1;
  return { start: at, end: at, with: Buffer.from('cut-') };
}

function expectTally(batch: ReturnType<typeof cutAll>[number] | undefined) {
  return batch?.tally ?? expect.fail('no batch');
}
