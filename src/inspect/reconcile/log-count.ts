import { existsSync } from 'node:fs';
import { CorruptGzip, GzipContent, PlainContent } from '../../log/content.ts';
import { LOG_FILES } from '../../log/files.ts';
import { identify } from '../../log/identity.ts';
import { EventWalk } from '../event-walk.ts';
import type { OpenedFilter } from '../opened-filter.ts';
import { fateOf } from '../opened-filter.ts';
import { RecordedLog } from '../recorded-log.ts';

/** Instants in ms since the epoch; `to` is exclusive. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one file of the log holds. */
export interface FileCount {
  readonly file: string;
  /** Identity of the segment; null where it has no first line yet. */
  readonly segment: string | null;
  /** Lines: events, and what is none. */
  readonly lines: number;
  /** Lines that are no event, such as torn ones. */
  readonly asides: number;
  /** Events in the window. */
  readonly inWindow: number;
  /** Of these, how many the filter of each output lets through. */
  readonly passed: ReadonlyMap<string, number>;
  /** Whether it could not be read to its end. */
  readonly unreadable: readonly string[];
}

/** Counts the events of one file, read from its beginning to where it ends now. `null`: it is gone by now. */
export async function countFile(
  file: string,
  window: Window,
  filters: ReadonlyMap<string, OpenedFilter>,
  maxLineBytes: number,
): Promise<FileCount | null> {
  try {
    const segment = await identityOf(file);
    const log = new RecordedLog({ files: [file], stdin: noInput, maxLineBytes });
    const walk = new EventWalk();
    const passed = new Map([...filters.keys()].map((name) => [name, 0]));
    let inWindow = 0;
    const from = BigInt(Math.ceil(window.fromMs)) * 1_000_000n;
    const to = BigInt(Math.ceil(window.toMs)) * 1_000_000n;
    for await (const block of log.blocks()) {
      walk.walk(block, (event) => {
        const time = event.timeNs();
        if (time < from || time >= to) return;
        inWindow += 1;
        for (const [name, filter] of filters) {
          if (fateOf(filter, event).outcome === 'delivered') passed.set(name, (passed.get(name) ?? 0) + 1);
        }
      });
    }
    const asides = walk.asides.reduce((sum, { count }) => sum + count, 0);
    return { file, segment, lines: walk.events + asides, asides, inWindow, passed, unreadable: walk.unreadable };
  } catch (error) {
    // Rotated, compressed or deleted since it was listed: whoever asks lists again, or the ledger knows it.
    if (!existsSync(file)) return null;
    throw error;
  }
}

/** When the first event of a file was made, ms since the epoch; null where there is none. */
export async function firstEventMs(file: string, maxLineBytes: number): Promise<number | null> {
  if (!existsSync(file)) return null;
  const walk = new EventWalk();
  let first: number | null = null;
  for await (const block of new RecordedLog({ files: [file], stdin: noInput, maxLineBytes }).blocks()) {
    walk.walk(block, (event) => {
      first ??= Number(event.timeNs() / 1_000_000n);
    });
    if (first !== null) break;
  }
  return first;
}

async function identityOf(file: string): Promise<string | null> {
  const fd = await LOG_FILES.open(file);
  const content = file.endsWith('.gz') ? new GzipContent(LOG_FILES, fd) : new PlainContent(LOG_FILES, fd);
  try {
    return (await identify(content, true))?.id ?? null;
  } catch (error) {
    if (error instanceof CorruptGzip) return null;
    throw error;
  } finally {
    content.close();
    await LOG_FILES.close(fd);
  }
}

function noInput(): never {
  throw new Error('no pipe is read here');
}
