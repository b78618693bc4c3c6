import { join } from 'node:path';
import type { DeadLetterStatus } from '../inspect/status.ts';
import type { DeadLetter, PipelineState } from '../pipeline/pipeline-state.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import type { Checkpoint } from './checkpoint.ts';
import { DeadLetterFiles } from './dead-letter.ts';
import type { DeadLetterMeta } from './dead-letter-record.ts';
import type { Fence } from './fence.ts';
import type { StateFinding } from './finding.ts';
import { Ledger } from './ledger.ts';
import type { StateDirectory } from './state-directory.ts';

export interface OutputStateOptions {
  readonly output: string;
  readonly deadLetterMaxBytes: number;
  /** Told what was amiss and has been dealt with. */
  readonly found: (finding: StateFinding) => void;
}

/** All that one output keeps: a checkpoint for each source, and one ledger and one dead letter for all of them. */
export interface OutputState {
  /** Where a source's pipeline stood; null on a first run. Once per source, before `of`. */
  load(source: string): Promise<Checkpoint | null>;
  /** What the pipeline of a source writes to. */
  of(source: string): PipelineState;
  deadLetterStatus(): DeadLetterStatus;
  close(): Promise<void>;
}

export async function openOutputState(
  directory: StateDirectory,
  fence: Fence,
  options: OutputStateOptions,
): Promise<OutputState> {
  const { output, found } = options;
  const root = await directory.makeOutput(output);
  const ledger = await Ledger.open(root, fence);
  for (const finding of ledger.findings) found(finding);
  const letters = await DeadLetterFiles.open(join(root, 'dead-letter'), fence, {
    maxBytes: options.deadLetterMaxBytes,
  });
  for (const finding of letters.findings) found(finding);
  const stores = new Map<string, CheckpointStore>();
  const storeOf = (source: string): CheckpointStore => {
    const store = stores.get(source);
    if (store === undefined) throw new Error(`the checkpoint of ${source} has not been loaded`);
    return store;
  };
  const metaOf = (letter: Omit<DeadLetter, 'bytes'>): DeadLetterMeta => ({
    reason: letter.reason,
    words: letter.words,
    status: letter.status,
    output,
    source: letter.source,
    segment: letter.segment,
    name: letter.name,
    offset: letter.offset,
    at: new Date().toISOString(),
  });
  return {
    async load(source) {
      const store = new CheckpointStore(await directory.makeCheckpoint(output, source), fence);
      stores.set(source, store);
      const { checkpoint, findings } = await store.load();
      for (const finding of findings) found(finding);
      return checkpoint;
    },
    of: (source) => ({
      note: (checkpoint) => storeOf(source).note(checkpoint),
      save: (checkpoint) => storeOf(source).save(checkpoint),
      async segmentSettled({ id, ...settled }) {
        const settledAt = new Date().toISOString();
        await ledger.append([{ type: 'segment', source, segment: id, ...settled, settledAt }]);
      },
      async lost(loss) {
        await ledger.append([{ type: 'loss', source, at: new Date().toISOString(), ...loss }]);
      },
      async told(notifications) {
        await ledger.append(notifications.map((one) => ({ type: 'notification', source, ...one })));
      },
      async setAside(set) {
        return !(await letters.append(set.map((letter) => ({ meta: metaOf(letter), bytes: letter.bytes })))).full;
      },
      async setAsideLong(letter, length, read) {
        return !(await letters.appendFrom(read, length, metaOf(letter))).full;
      },
    }),
    deadLetterStatus: () => ({ output, records: letters.records, bytes: letters.bytes, maxBytes: letters.maxBytes }),
    async close() {
      for (const store of stores.values()) await store.close();
      await ledger.close();
      await letters.close();
    },
  };
}
