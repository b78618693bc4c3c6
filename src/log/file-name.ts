import { basename, dirname, join } from 'node:path';

/**
 * The names that lumberjack v2 gives: `audit.log` is written to, and `audit-2006-01-02T15-04-05.000.log`, UTC with
 * milliseconds, is what it was renamed to at that instant; `.gz` behind it where backups are compressed.
 */
export interface BackupName {
  readonly name: string;
  /** The name without `.gz`. */
  readonly stem: string;
  /** When the file was closed, ms since the epoch; the writer cuts off fractions of a millisecond. */
  readonly instantMs: number;
  readonly compressed: boolean;
}

export class LogNames {
  readonly directory: string;
  readonly live: string;
  readonly #prefix: string;
  readonly #suffix: string;

  constructor(path: string) {
    this.directory = dirname(path);
    this.live = basename(path);
    // As Go's filepath.Ext: from the last dot on, even where that is the first character.
    const dot = this.live.lastIndexOf('.');
    this.#suffix = dot === -1 ? '' : this.live.slice(dot);
    this.#prefix = `${this.live.slice(0, this.live.length - this.#suffix.length)}-`;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** What a file name says, or `null` where it is no backup of this log. */
  parse(name: string): BackupName | null {
    const compressed = name.endsWith(`${this.#suffix}.gz`);
    const tail = compressed ? `${this.#suffix}.gz` : this.#suffix;
    if (!name.startsWith(this.#prefix) || !name.endsWith(tail)) return null;
    const instantMs = parseInstant(
      name.slice(this.#prefix.length, Math.max(this.#prefix.length, name.length - tail.length)),
    );
    return instantMs === null ? null : { name, stem: compressed ? name.slice(0, -3) : name, instantMs, compressed };
  }

  /** The name that the live file gets when it is rotated at an instant. */
  backup(instantMs: number): string {
    const text = new Date(instantMs).toISOString().slice(0, -1).replaceAll(':', '-');
    return `${this.#prefix}${text}${this.#suffix}`;
  }
}

function parseInstant(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(text);
  if (match === null) return null;
  const time = `${match[1]}T${match[2]}:${match[3]}:${match[4]}Z`;
  const instant = Date.parse(time);
  // February 30th and the hour 24 are read as the day after: no writer names a file so.
  return Number.isNaN(instant) || new Date(instant).toISOString() !== time ? null : instant;
}
