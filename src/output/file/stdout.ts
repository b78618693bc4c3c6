import { fstatSync } from 'node:fs';
import type { OutputConfig } from '../../config/schema.ts';
import { messageOf } from '../../errors.ts';
import type { Part } from '../../pipeline/batch.ts';
import type { Metadata } from '../metadata.ts';
import type { Finding, Output, SendResult } from '../output.ts';
import { partBody } from '../part-body.ts';
import { stopped, writeFailure } from './failure.ts';
import { lineEncoder } from './lines.ts';
import { Pipe } from './pipe.ts';

type StdoutOutputConfig = Extract<OutputConfig, { type: 'stdout' }>;

const TARGET = 'standard output';

/**
 * NDJSON on standard output. Delivered means here: written to the pipe; what the reader at its other end makes of it nobody can know. Into
 * a file (`auditail … > file`) it means on disk. `fd` is for tests.
 */
export function createStdoutOutput(config: StdoutOutputConfig, metadata: Metadata, fd = 1): Output {
  const pipe = new Pipe(fd);
  let turn: Promise<unknown> = Promise.resolve();

  async function write(part: Part, signal: AbortSignal): Promise<SendResult> {
    const { bytes, error } = await pipe.write(partBody(part), signal);
    const left = itemsBehind(part, bytes);
    if (left.length === 0) return { rejected: [], again: [], duplicates: 0 };
    const again = error === undefined ? stopped(left) : writeFailure(error, TARGET, left);
    return { rejected: [], again: [again], duplicates: 0 };
  }

  return {
    ...lineEncoder(metadata),
    name: config.name,
    type: config.type,
    destination: 'stdout',
    idempotent: false,
    maxBatchBytes: config.batch.maxBytes,
    send(part, signal) {
      const mine = turn.then(() => write(part, signal));
      turn = mine.catch(() => {}); // whoever asked for it gets the error
      return mine;
    },
    probe: () => Promise.resolve([probe(fd)]),
    close: async () => {
      await turn;
      await pipe.close();
    },
  };
}

/** The items of which not every byte is among the first so many. */
function itemsBehind({ batch, items }: Part, bytes: number): readonly number[] {
  let end = 0;
  return items.filter((item) => {
    end += batch.itemEnd(item) - batch.itemStart(item);
    return end > bytes;
  });
}

function probe(fd: number): Finding {
  try {
    const stats = fstatSync(fd);
    if (stats.isFIFO() || stats.isSocket()) return { level: 'ok', text: 'Standard output is a pipe.' };
    return { level: 'ok', text: `Standard output is a ${stats.isFile() ? 'file' : 'terminal or device'}.` };
  } catch (error) {
    return {
      level: 'error',
      text: `Standard output is closed: ${messageOf(error)}`,
      hint: 'Start the agent with a reader.',
    };
  }
}
