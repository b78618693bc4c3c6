import { describe, expect, it } from 'vitest';
import { settleAccount } from '../../../src/inspect/reconcile/balance.ts';
import type { FileCount } from '../../../src/inspect/reconcile/log-count.ts';
import { LogNames } from '../../../src/log/file-name.ts';
import { NO_COUNTS } from '../../../src/state/counts.ts';
import type { LedgerEntry } from '../../../src/state/ledger-entry.ts';

const NAMES = new LogNames('/log/audit.log');
const HOUR = 3_600_000;
const DAY = Date.parse('2026-11-23T00:00:00Z');

function backup(hour: number): string {
  return NAMES.backup(DAY + hour * HOUR);
}

/** A settled segment of an hour: all but `filtered` of its events delivered. */
function entry(hour: number, events: number, filtered = 0): LedgerEntry {
  const counts = { ...NO_COUNTS, readEvents: events, delivered: events - filtered, filtered: { rule: filtered } };
  const settledAt = new Date(DAY + hour * HOUR + 1).toISOString();
  return { type: 'segment', source: 'api', segment: `id${hour}`, name: backup(hour), bytes: 1, counts, settledAt };
}

function file(hour: number, lines: number, inWindow = lines, passed = inWindow): FileCount {
  return {
    file: `/log/${backup(hour)}`,
    segment: `id${hour}`,
    lines,
    asides: 0,
    inWindow,
    passed: new Map([['search', passed]]),
    unreadable: [],
  };
}

function account(
  ledger: readonly LedgerEntry[],
  files: readonly FileCount[],
  window = { fromMs: DAY, toMs: DAY + 24 * HOUR },
) {
  return settleAccount({ output: 'search', ledger, checkpoint: null }, files, NAMES, window);
}

describe('the account of an output', () => {
  it('takes files that are there from the log, and what became of them from the ledger', () => {
    expect(account([entry(1, 100, 30), entry(2, 50)], [file(1, 100), file(2, 50)])).toMatchObject({
      written: { least: 150, most: 150 },
      delivered: { least: 120, most: 120 },
      differences: [],
      unsettled: [],
    });
  });

  it('names the file of which an output read something else than it holds', () => {
    expect(account([entry(1, 98), entry(2, 50)], [file(1, 100), file(2, 50)]).differences).toEqual([
      { file: backup(1), words: 'the file holds 100 events, search read 98' },
    ]);
  });

  it('names the file that an output has no record of', () => {
    expect(account([entry(2, 50)], [file(1, 100), file(2, 50)]).unsettled).toEqual([
      { file: backup(1), words: 'search has no record of it' },
    ]);
  });

  it('a file that was left out on purpose is not missing', () => {
    const left: LedgerEntry = {
      type: 'loss',
      source: 'api',
      at: '2026-11-23T01:00:00Z',
      reason: 'not-taken',
      proof: 'certain',
      segment: 'id1',
      words: 'startAt',
    };
    expect(account([left, entry(2, 50)], [file(1, 100), file(2, 50)])).toMatchObject({ unsettled: [], losses: [] });
  });

  it('takes deleted files from the ledger, exactly where they lay in the window, and as a doubt where at its edge', () => {
    const ledger = [entry(1, 10), entry(2, 20), entry(3, 40), entry(4, 80)];
    const window = { fromMs: DAY + 1.5 * HOUR, toMs: DAY + 3.5 * HOUR };
    expect(account(ledger, [], window)).toMatchObject({
      written: { least: 40, most: 140 },
      delivered: { least: 40, most: 140 },
    });
  });

  it('of a file at the edge, what its filter lets through is what is expected', () => {
    expect(account([entry(1, 100, 30)], [file(1, 100, 60, 42)]).delivered).toEqual({ least: 42, most: 42 });
  });

  it('torn lines may be events', () => {
    const torn = { ...file(1, 11, 10), asides: 1 };
    expect(account([entry(1, 11)], [torn]).written).toEqual({ least: 10, most: 11 });
  });

  it('a loss counts where it may touch the window', () => {
    const loss: LedgerEntry = {
      type: 'loss',
      source: 'api',
      at: '2026-11-23T05:00:00Z',
      reason: 'gap',
      proof: 'certain',
      words: 'two files vanished',
      after: { auditID: 'a', stage: 'ResponseComplete', time: '2026-11-23T03:00:00Z' },
      before: { auditID: 'b', stage: 'ResponseComplete', time: '2026-11-23T04:00:00Z' },
    };
    const within = (from: number, to: number) =>
      account([loss], [], { fromMs: DAY + from * HOUR, toMs: DAY + to * HOUR }).losses.length;
    expect([within(0, 24), within(3.5, 3.6), within(0, 3), within(4.1, 24)]).toEqual([1, 1, 0, 0]);
  });

  it('a loss is not hidden by events beside it whose time is none', () => {
    const odd = { auditID: 'a', stage: 'ResponseComplete', time: 'never' };
    const loss = { type: 'loss', source: 'api', at: '2026-11-23T05:00:00Z', reason: 'gap', proof: 'certain' } as const;
    const ledger: LedgerEntry[] = [{ ...loss, words: 'w', after: odd, before: odd }];
    expect(account(ledger, [], { fromMs: DAY, toMs: DAY + 24 * HOUR }).losses).toHaveLength(1);
  });
});
