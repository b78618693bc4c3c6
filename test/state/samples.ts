import type { Checkpoint, SegmentRecord } from '../../src/state/checkpoint.ts';
import { NO_COUNTS } from '../../src/state/counts.ts';
import type { DeadLetterRecord } from '../../src/state/dead-letter.ts';
import type { DeadLetterMeta } from '../../src/state/dead-letter-record.ts';
import type { Fence } from '../../src/state/fence.ts';
import type { SegmentEntry } from '../../src/state/ledger-entry.ts';

/** The fence of an agent that is never superseded. */
export function openFence(generation = 1): Fence {
  return { generation, check: () => undefined };
}

export function segmentRecord(number: number, settled = 0): SegmentRecord {
  const id = number.toString(16).padStart(32, '0');
  return {
    id,
    name: `audit-2026-11-23T10-15-${number}.log`,
    settled,
    done: false,
    marks: [{ offset: settled, hash: id.slice(16) }],
    counts: { ...NO_COUNTS, readEvents: settled, readBytes: settled, delivered: settled, deliveredBytes: settled },
  };
}

/** The checkpoint of step `step`: `totals.readEvents` tells them apart. */
export function checkpointOf(step: number, segments: readonly SegmentRecord[] = [segmentRecord(1, step)]): Checkpoint {
  return {
    output: 'store',
    destination: 'https://store.example/audit',
    source: 'audit',
    origin: '/var/log/kubernetes/audit.log',
    filter: 'f00d',
    segments,
    window: [{ segment: segmentRecord(1).id, from: step, to: step + 100, settled: false }],
    rotations: [],
    totals: { ...NO_COUNTS, readEvents: step, filtered: { 'no leases': step } },
    losses: 0,
    writtenAt: '2026-11-23T10:15:00.000Z',
  };
}

export function stepOf(checkpoint: Checkpoint | null): number {
  return checkpoint?.totals.readEvents ?? 0;
}

export function segmentEntry(number: number, bytes = 100): SegmentEntry {
  return {
    type: 'segment',
    source: 'audit',
    segment: String(number).padStart(32, '0'),
    name: `audit-${number}.log`,
    bytes,
    counts: { ...NO_COUNTS, readEvents: number },
    settledAt: '2026-11-23T10:15:00.000Z',
  };
}

export function letterMeta(offset: number): DeadLetterMeta {
  return {
    reason: 'mapper_parsing_exception',
    words: 'failed to parse field [requestObject]',
    status: 400,
    output: 'store',
    source: 'audit',
    segment: 'a'.repeat(32),
    name: 'audit.log',
    offset,
    at: '2026-11-23T10:15:00.000Z',
  };
}

export function letter(offset: number, bytes: Buffer | string = `{"event":${offset}}`): DeadLetterRecord {
  return { meta: letterMeta(offset), bytes: Buffer.from(bytes) };
}
