import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import type { Checkpoint, SegmentRecord } from '../../src/state/checkpoint.ts';
import { NO_COUNTS } from '../../src/state/counts.ts';
import { DeadLetterFiles } from '../../src/state/dead-letter.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { lockState } from '../../src/state/lock.ts';
import { openStateDirectory } from '../../src/state/state-directory.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EVENTS = new URL('../../src/demo/events.log.gz', import.meta.url);

/** The first events of the recorded log, as lines without their ends. */
export function recordedEvents(count: number): readonly Buffer[] {
  const lines = gunzipSync(fs.readFileSync(EVENTS)).toString('latin1').split('\n', count);
  return lines.map((line) => Buffer.from(line, 'latin1'));
}

export const BACKUPS = ['audit-2026-11-23T01-00-00.000.log', 'audit-2026-11-23T02-00-00.000.log.gz', 'audit.log'];

function segment(name: string): SegmentRecord {
  const counts = { ...NO_COUNTS, readEvents: 10, readBytes: 1000, delivered: 10, deliveredBytes: 1000 };
  return { id: name, name, settled: 1000, done: name !== 'audit.log', marks: [{ offset: 1000, hash: '00' }], counts };
}

export function checkpoint(output = 'hook', source = 'api'): Checkpoint {
  return {
    output,
    destination: 'http http://127.0.0.1:9',
    source,
    origin: '/var/log/kubernetes/audit/audit.log',
    filter: 'none',
    segments: BACKUPS.map(segment),
    window: [{ segment: 'audit.log', from: 1000, to: 2000, settled: false }],
    rotations: [Date.parse('2026-11-23T01:00:00Z')],
    totals: { ...NO_COUNTS, readEvents: 30, readBytes: 3000, delivered: 30, deliveredBytes: 3000 },
    last: { auditID: 'x', stage: 'ResponseComplete', time: '2026-11-23T02:30:00Z' },
    losses: 1,
    writtenAt: '2026-11-23T03:00:00.000Z',
  };
}

/** A state directory as an agent leaves it: a checkpoint, a ledger with a loss, and three events set aside. */
export async function madeState(): Promise<string> {
  const directory = path.join(temporaryDirectory(), 'state');
  const state = await openStateDirectory(directory);
  const lock = await lockState(state.path);
  const root = await state.makeOutput('hook');
  const store = new CheckpointStore(await state.makeCheckpoint('hook', 'api'), lock);
  await store.load();
  await store.save(checkpoint());
  await store.close();
  const ledger = await Ledger.open(root, lock);
  const counts = segment('').counts;
  const settledAt = '2026-11-23T01:00:01.000Z';
  await ledger.append([
    { type: 'segment', source: 'api', segment: 'a', name: BACKUPS[0] as string, bytes: 1000, counts, settledAt },
    { type: 'loss', source: 'api', at: settledAt, reason: 'gap', proof: 'certain', words: 'files vanished' },
  ]);
  await ledger.close();
  const letters = await DeadLetterFiles.open(path.join(root, 'dead-letter'), lock, { maxBytes: 2 ** 30 });
  await letters.append(
    recordedEvents(3).map((bytes, at) => ({
      bytes,
      meta: {
        reason: at === 0 ? 'too-large' : 'mapper_parsing_exception',
        words: `refused \u001b[31m${at}`,
        status: 400,
        output: 'hook',
        source: 'api',
        segment: 'a',
        name: 'audit.log',
        offset: at * 100_000,
        at: '2026-11-23T02:00:00.000Z',
      },
    })),
  );
  await letters.close();
  await lock.release();
  return directory;
}
