import type { LogFiles } from './files.ts';
import type { Segment } from './segment.ts';

export interface RetentionLimits {
  readonly maxBytes: number;
  /** Space to leave free: a share of the filesystem (0 to 1) or bytes. */
  readonly minFree: { readonly share: number } | { readonly bytes: number };
}

export interface Retained {
  readonly files: number;
  readonly bytes: number;
  readonly openDeletedBytes: number;
}

/**
 * Bounds what the agent keeps alive although the writer has deleted it: a dead receiver must not fill the disk of a
 * control-plane node. What goes first is the oldest.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  readonly #files: LogFiles;
  readonly #directory: string;
  /** Space that may still be filled, at the last look; null while nothing is retained, and it is not looked at. */
  #spareBytes: number | null = null;

  constructor(limits: RetentionLimits, files: LogFiles, directory: string) {
    this.#limits = limits;
    this.#files = files;
    this.#directory = directory;
  }

  /** What may still be kept beside what is, as far as both bounds are known. */
  leftBytes(retainedBytes: number): number {
    const left = this.#limits.maxBytes - retainedBytes;
    return Math.max(0, Math.min(left, this.#spareBytes ?? left));
  }

  retained(segments: readonly Segment[]): Retained {
    let files = 0;
    let bytes = 0;
    let openDeletedBytes = 0;
    for (const segment of segments) {
      const kept = segment.gone === null ? segment.keptBytes : 0;
      if (kept === 0) continue;
      bytes += kept;
      if (segment.places.pin === null) openDeletedBytes += kept;
      else files += 1;
    }
    return { files, bytes, openDeletedBytes };
  }

  /** The segments that have to be let go now, oldest first. */
  async exceeding(segments: readonly Segment[], live: Segment | null): Promise<readonly Segment[]> {
    const kept = segments.filter((segment) => segment !== live && segment.gone === null && segment.keptBytes > 0);
    this.#spareBytes = null;
    if (kept.length === 0) return [];
    const missing = await missingSpace(this.#files, this.#directory, this.#limits.minFree);
    this.#spareBytes = -missing;
    let over = kept.reduce((sum, segment) => sum + segment.keptBytes, 0) - this.#limits.maxBytes;
    over = Math.max(over, missing);
    const exceeding: Segment[] = [];
    for (const segment of kept) {
      if (over <= 0) break;
      exceeding.push(segment);
      over -= segment.keptBytes;
    }
    return exceeding;
  }
}

/** Bytes by which the filesystem is fuller than it is to be; not above zero where it is not. */
export async function missingSpace(
  files: LogFiles,
  directory: string,
  minFree: RetentionLimits['minFree'],
): Promise<number> {
  const { free, total } = await files.space(directory);
  return ('share' in minFree ? minFree.share * total : minFree.bytes) - free;
}
