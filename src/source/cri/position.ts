import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { Place } from '../../log/cursor.ts';
import { isMissing } from '../../log/files.ts';
import type { SpoolMark } from '../spool.ts';

/** How far the files of a container have been copied, and what stood in the spool then. */
export interface Position {
  /** By identity of the file. */
  readonly places: readonly (readonly [id: string, place: Place])[];
  /** Whether what has been copied ends in the middle of a line. */
  readonly open: boolean;
  readonly spool: SpoolMark;
}

const VERSION = 1;

/** One small file beside the spool, replaced as a whole. */
export class PositionFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** `null` where there is none; words where it cannot be used. */
  async load(): Promise<Position | string | null> {
    try {
      const { version, ...position } = JSON.parse(await fs.readFile(this.#path, 'utf8')) as Position & {
        version: number;
      };
      return version === VERSION ? position : `its version is ${version}`;
    } catch (error) {
      return isMissing(error) ? null : messageOf(error);
    }
  }

  /** On disk for certain when it resolves. What it speaks of in the spool must be there before. */
  async save(position: Position): Promise<void> {
    const temporary = `${this.#path}.new`;
    await fs.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await fs.writeFile(temporary, JSON.stringify({ version: VERSION, ...position }), { mode: 0o600, flush: true });
    await fs.rename(temporary, this.#path);
  }
}
