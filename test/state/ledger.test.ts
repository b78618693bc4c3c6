import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditailError } from '../../src/errors.ts';
import type { EventReference } from '../../src/log/loss.ts';
import { Ledger } from '../../src/state/ledger.ts';
import type { LedgerEntry, LossEntry, NotificationEntry } from '../../src/state/ledger-entry.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { openFence, segmentEntry } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

let directory: string;

beforeEach(() => {
  directory = scratchDirectory();
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function lossEntry(fields: Partial<LossEntry> = {}): LossEntry {
  return {
    type: 'loss',
    source: 'audit',
    reason: 'gap',
    proof: 'certain',
    words: 'segments are missing',
    at: '2026-11-23T10:15:00.000Z',
    ...fields,
  };
}

function notificationEntry(): NotificationEntry {
  return {
    type: 'notification',
    source: 'audit',
    receiver: 'pager',
    id: '0123456789abcdef0123456789abcdef',
    rule: 'exec-into-pod',
    severity: 'high',
    status: 'firing',
    count: 1,
    at: '2026-11-23T10:15:00.000Z',
  };
}

function event(auditID: string): EventReference {
  return { auditID, stage: 'ResponseComplete', time: '2026-11-23T10:15:00.000Z' };
}

async function stored(): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for await (const entry of readLedger(directory)) entries.push(entry);
  return entries;
}

const newest = () => path.join(directory, 'ledger.jsonl');

describe('the ledger', () => {
  test('keeps segments, losses and notifications in the order in which they were written, one a line', async () => {
    const ledger = await Ledger.open(directory, openFence());
    const entries = [segmentEntry(1), lossEntry(), notificationEntry()];
    await ledger.append(entries.slice(0, 1));
    await ledger.append(entries.slice(1));
    expect(await stored()).toEqual(entries);
    expect(fs.readFileSync(newest(), 'utf8').split('\n')).toHaveLength(4);
    expect(fs.statSync(newest()).mode & 0o777).toBe(0o600);
    expect(ledger.findings).toEqual([]);
  });

  test('takes an entry once, also in one call, and over a restart', async () => {
    const ledger = await Ledger.open(directory, openFence());
    const notified = { ...notificationEntry(), at: '2026-11-23T10:15:01.000Z' };
    expect(await ledger.append([notificationEntry(), notified])).toHaveLength(1);
    expect(await ledger.append([segmentEntry(1), segmentEntry(1), lossEntry()])).toHaveLength(2);
    expect(await ledger.append([segmentEntry(1), segmentEntry(2)])).toEqual([segmentEntry(2)]);
    await ledger.close();
    const again = await Ledger.open(directory, openFence());
    expect(await again.append([lossEntry(), notified, segmentEntry(2), segmentEntry(1)])).toEqual([]);
    expect(await stored()).toHaveLength(4);
  });

  test('takes a segment again that was settled further', async () => {
    const ledger = await Ledger.open(directory, openFence());
    await ledger.append([segmentEntry(1, 100), segmentEntry(1, 200)]);
    expect(await stored()).toHaveLength(2);
  });

  test('tells losses apart by reason, segment, and offset, event, file or time', async () => {
    const ledger = await Ledger.open(directory, openFence());
    const losses = [
      lossEntry(),
      lossEntry({ at: '2026-11-23T10:16:00.000Z' }),
      lossEntry({ reason: 'deleted' }),
      lossEntry({ source: 'other' }),
      lossEntry({ segment: 'a' }),
      lossEntry({ segment: 'a', from: 0 }),
      lossEntry({ segment: 'a', from: 5 }),
      lossEntry({ after: event('x') }),
      lossEntry({ after: event('y') }),
      lossEntry({ name: 'audit-1.log' }),
    ];
    expect(await ledger.append(losses)).toHaveLength(losses.length);
    const later = losses.slice(4).map((loss) => ({ ...loss, at: '2026-11-24T00:00:00.000Z', words: 'again' }));
    expect(await ledger.append(later)).toEqual([]);
  });

  test('cuts off a torn line and says so', async () => {
    const ledger = await Ledger.open(directory, openFence());
    await ledger.append([segmentEntry(1), segmentEntry(2)]);
    await ledger.close();
    fs.appendFileSync(newest(), '{"type":"segment","sou');
    const again = await Ledger.open(directory, openFence());
    expect(again.findings).toEqual([
      { what: 'torn', file: newest(), words: 'the last 22 bytes were half-written by a crash and were cut off' },
    ]);
    await again.append([segmentEntry(3)]);
    expect(await stored()).toEqual([segmentEntry(1), segmentEntry(2), segmentEntry(3)]);
  });

  test('leaves damage in the middle in place and says so', async () => {
    const ledger = await Ledger.open(directory, openFence());
    await ledger.append([segmentEntry(1), segmentEntry(2), segmentEntry(3)]);
    await ledger.close();
    const bytes = fs.readFileSync(newest());
    bytes[bytes.indexOf('\n') + 1] = 0;
    fs.writeFileSync(newest(), bytes);
    const again = await Ledger.open(directory, openFence());
    expect(again.findings).toEqual([expect.objectContaining({ what: 'damaged', words: '1 lines are no entries' })]);
    expect(await stored()).toEqual([segmentEntry(1), segmentEntry(3)]);
    expect(await again.append([segmentEntry(2)])).toHaveLength(1);
  });

  test('keeps four files, and knows what stands in all of them', async () => {
    const options = { maxFileBytes: 1500 };
    const ledger = await Ledger.open(directory, openFence(), options);
    for (let number = 0; number < 40; number += 1) await ledger.append([segmentEntry(number)]);
    await ledger.close();
    const names = ['ledger.jsonl', 'ledger.jsonl.1', 'ledger.jsonl.2', 'ledger.jsonl.3'];
    expect(fs.readdirSync(directory).sort()).toEqual(names);
    for (const name of names) expect(fs.statSync(path.join(directory, name)).size).toBeLessThanOrEqual(1500);
    const kept = await stored();
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => segmentEntry(40 - kept.length + at)));
    expect(kept.length).toBeGreaterThan(8);
    const again = await Ledger.open(directory, openFence(), options);
    expect(await again.append(kept)).toEqual([]);
  });

  test('remembers a bounded number of keys, the newest', async () => {
    const ledger = await Ledger.open(directory, openFence(), { maxKeys: 10 });
    for (let number = 0; number < 30; number += 1) await ledger.append([segmentEntry(number)]);
    expect(await ledger.append(Array.from({ length: 10 }, (_, at) => segmentEntry(20 + at)))).toEqual([]);
    expect(await ledger.append([segmentEntry(0)])).toHaveLength(1);
  });

  test('shows no file twice and hides none when it is rotated while it is read', async () => {
    const options = { maxFileBytes: 1500 };
    const ledger = await Ledger.open(directory, openFence(), options);
    for (let number = 0; number < 10; number += 1) await ledger.append([segmentEntry(number)]);
    const before = await stored();
    const seen: LedgerEntry[] = [];
    let next = 10;
    for await (const entry of readLedger(directory)) {
      seen.push(entry);
      await ledger.append([segmentEntry(next)]);
      next += 1;
    }
    expect(seen.slice(0, before.length)).toEqual(before);
    expect(new Set(seen.map((entry) => JSON.stringify(entry))).size).toBe(seen.length);
  });

  test('is not written by an agent that was superseded', async () => {
    let superseded = false;
    const fence = {
      generation: 1,
      check: () => {
        if (superseded) throw new AuditailError('AUD_STATE_LOCKED', 'superseded');
      },
    };
    const ledger = await Ledger.open(directory, fence);
    superseded = true;
    await expect(ledger.append([segmentEntry(1)])).rejects.toMatchObject({ code: 'AUD_STATE_LOCKED' });
    expect(await stored()).toEqual([]);
  });

  test('has nothing to tell where it was never written', async () => {
    expect(await stored()).toEqual([]);
  });
});
