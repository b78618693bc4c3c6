import { GzipContent, PlainContent } from './content.ts';
import { openRegular, type LogFiles } from './files.ts';
import { identify } from './identity.ts';
import type { Keeper } from './keeper.ts';
import type { Pins } from './pins.ts';
import type { Anomaly } from './reader.ts';
import type { SegmentList } from './segment-list.ts';

export interface PinnedLog {
  readonly files: LogFiles;
  readonly segments: SegmentList;
  readonly keeper: Keeper;
  readonly anomaly: Anomaly;
}

/** Takes up the files that an earlier run has pinned; those that nobody has to read any more are released later on. */
export async function adoptPins(pins: Pins, log: PinnedLog): Promise<void> {
  for (const pin of await pins.found()) {
    try {
      await adopt(pin, pins, log);
    } catch (error) {
      log.anomaly('unreadable-pin', 'a pin of an earlier run cannot be read; it is left where it is', {
        file: pin,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  // A live file is pinned when it is first seen, before the backups that are older than it.
  log.segments.orderByFirstEvent();
}

async function adopt(pin: string, pins: Pins, { files, segments, keeper }: PinnedLog): Promise<void> {
  const compressed = pin.endsWith('.gz');
  const { fd, facts } = await openRegular(files, pin);
  const content = compressed ? new GzipContent(files, fd) : new PlainContent(files, fd);
  try {
    const identity = await identify(content, true);
    if (identity === null) {
      await pins.remove(pin);
      return;
    }
    const known = await segments.match(identity, content, facts);
    const segment = known ?? (await segments.create(identity, content, 'a pinned file'));
    if (known === null) segments.append(segment);
    segment.closed = true;
    if (compressed) segment.gzipBytes = facts.size;
    else {
      segment.key = facts;
      segment.size = Math.max(segment.size, facts.size);
    }
    await keeper.usePin(segment, pin);
    segments.markUnread(segment);
    keeper.touch();
  } finally {
    await content.close();
    await files.close(fd);
  }
}
