import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileOutputConfig } from '../../config/schema.ts';
import { messageOf, systemCode } from '../../errors.ts';
import type { Part } from '../../pipeline/batch.ts';
import type { Metadata } from '../metadata.ts';
import type { Finding, Output, SendResult } from '../output.ts';
import { partBody } from '../part-body.ts';
import { SETTLED } from '../send-result.ts';
import { AppendFile, type Files, nodeFiles, TornAppend } from './append-file.ts';
import { stopped, writeFailure } from './failure.ts';
import { lineEncoder } from './lines.ts';

/**
 * Appends NDJSON to a file (0600), which anything may rotate: it is opened anew where it was renamed or removed. A part
 * counts as delivered once it is on disk.
 */
export function createFileOutput(config: FileOutputConfig, metadata: Metadata, files: Files = nodeFiles): Output {
  const path = resolve(config.path);
  const file = new AppendFile(path, files);
  let turn: Promise<unknown> = Promise.resolve();

  /** One append after the other, in the order of the calls. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = turn.then(act);
    turn = mine.catch(() => {}); // whoever asked for it gets the error
    return mine;
  }

  async function append(part: Part, signal: AbortSignal): Promise<SendResult> {
    if (signal.aborted) return { rejected: [], again: [stopped(part.items)], duplicates: 0 };
    try {
      await file.append(partBody(part));
      return SETTLED;
    } catch (error) {
      const torn = error instanceof TornAppend;
      const more = torn ? `; a part of it was written and cannot be taken back: ${error.message}` : '';
      const again = writeFailure(torn ? error.cause : error, path, part.items, more);
      return { rejected: [], again: [again], duplicates: 0 };
    }
  }

  return {
    ...lineEncoder(metadata),
    name: config.name,
    type: config.type,
    destination: `file ${path}`,
    idempotent: false,
    maxBatchBytes: config.batch.maxBytes,
    send: (part, signal) => inTurn(() => append(part, signal)),
    probe: () => probe(path, files),
    close: () => inTurn(() => file.close()),
  };
}

async function probe(path: string, files: Files): Promise<readonly Finding[]> {
  try {
    const stats = await files.stat(path);
    if (!stats.isFile()) {
      return [{ level: 'error', text: `${path} is not a regular file.`, hint: 'Name a file, or use type: stdout.' }];
    }
    await access(path, constants.R_OK | constants.W_OK);
    if ((stats.mode & 0o077) === 0) return [{ level: 'ok', text: `${path} can be appended to.` }];
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
    return [{ level: 'warning', text: `${path} can be read by others (mode ${mode}).`, hint: `chmod 0600 ${path}` }];
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') return [unusable(path, error)];
  }
  const directory = dirname(path);
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return [{ level: 'ok', text: `${path} is not there yet and can be made.` }];
  } catch (error) {
    return [unusable(directory, error)];
  }
}

function unusable(path: string, error: unknown): Finding {
  return {
    level: 'error',
    text: `${path} cannot be used: ${messageOf(error)}`,
    hint: 'Check that the directory is there, is mounted writable, and belongs to the user that the agent runs as.',
  };
}
