import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AuditLog, type AuditLogOptions } from '../../../src/demo/audit-log.ts';
import { Cursor, type Piece, type Place } from '../../../src/log/cursor.ts';
import { LOG_FILES, type LogFiles } from '../../../src/log/files.ts';
import { Log, type LogReader, type Remembered } from '../../../src/log/log.ts';
import type { EventReference, Loss } from '../../../src/log/loss.ts';
import type { RetentionLimits } from '../../../src/log/retention.ts';
import type { Segment } from '../../../src/log/segment.ts';
import { piecesAtJoin } from '../../../src/pipeline/join.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

export interface FollowOptions {
  readonly files?: LogFiles;
  readonly pins?: boolean;
  readonly retention?: RetentionLimits;
  readonly maxHeldFiles?: number;
  readonly maxLineBytes?: number;
  readonly readers?: readonly string[];
  readonly path?: string;
  readonly spool?: boolean;
  readonly spoolMaxBytes?: number;
  /** Whether joins are judged; each line is an event with a `stageTimestamp` then. */
  readonly judged?: boolean;
}

export const NO_LIMITS: RetentionLimits = { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } };

/** One output's reading: a cursor, and all that it gave out. */
export class Reading implements LogReader {
  readonly name: string;
  readonly places = new Map<string, Place>();
  /** What was given out, by segment. */
  readonly given = new Map<string, string>();
  readonly pieces: string[] = [];
  readonly losses: Loss[] = [];
  readonly rewound: { from: number; to: number }[] = [];
  readonly ended: string[] = [];
  cursor!: Cursor;
  #log!: Log;

  constructor(name: string) {
    this.name = name;
  }

  open(log: Log, maxLineBytes: number, judged = false): void {
    this.#log = log;
    const enter = (segment: Segment) => {
      if (!judged) return [];
      const line = this.lines.at(-1);
      const last = line === undefined ? line : referenceIn(line);
      return piecesAtJoin(log, { last, isNext: true }, [], segment);
    };
    this.cursor = new Cursor(log, this.places, { maxLineBytes, enter });
    log.register(this, []);
  }

  remembered(id: string): readonly Remembered[] {
    return [...this.places]
      .filter(([key]) => key === id || key.startsWith(`${id}-`))
      .map(([key, place]) => ({ id: key, settled: place.offset, done: place.done, marks: place.marks }));
  }

  /** All text given out, in order of the segments' first bytes. */
  get text(): string {
    return [...this.given.values()].join('');
  }

  get lines(): readonly string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }

  /** Takes one piece; false when there was none. */
  async take(): Promise<boolean> {
    const piece = await this.cursor.next();
    if (piece === null) return false;
    this.pieces.push(piece.kind);
    await this.#note(piece);
    return true;
  }

  /** Takes so many pieces, or all there are. */
  async read(pieces = Number.POSITIVE_INFINITY): Promise<void> {
    for (let count = 0; count < pieces && (await this.take()); count += 1) {
      if (count > 100_000) throw new Error(`the cursor never comes to an end: ${this.pieces.slice(-5).join(' ')}`);
    }
  }

  async #note(piece: Piece): Promise<void> {
    if (piece.kind === 'loss') this.losses.push(piece.loss);
    else if (piece.kind === 'rewound') this.rewound.push({ from: piece.from, to: piece.to });
    else if (piece.kind === 'end') {
      this.ended.push(piece.segment.name);
      await this.#log.settled(piece.segment, this.name);
    } else if (piece.kind === 'lines' || piece.kind === 'torn') this.#keep(piece);
    else if (piece.kind === 'nul' || piece.kind === 'oversize') {
      const { segment, offset, end } = piece;
      this.#put(segment.id, offset, (piece.kind === 'nul' ? '\0' : '#').repeat(end - offset));
    }
  }

  #keep(piece: Extract<Piece, { bytes: Buffer }>): void {
    const { segment, bytes, start, end, offset } = piece;
    this.#put(segment.id, offset, bytes.toString('latin1', start, end));
    const place = this.places.get(segment.id) as Place;
    place.marks = [...place.marks, this.cursor.markAt(bytes, end, offset + end - start)].slice(-8);
  }

  /** What is given out again replaces what was given out from there on. */
  #put(id: string, offset: number, text: string): void {
    const before = this.given.get(id) ?? '';
    if (offset > before.length)
      throw new Error(`a hole in ${id}: ${before.length} bytes were given out, then from ${offset} on`);
    this.given.set(id, before.slice(0, offset) + text);
  }
}

/** A log directory with a writer like the API server's, the Log that follows it, and readers. */
export class FollowedLog {
  readonly directory: string;
  readonly path: string;
  readonly stateDirectory: string;
  readonly anomalies: { kind: string; fields: Readonly<Record<string, unknown>> }[] = [];
  readonly readers: readonly Reading[];
  /** Milliseconds on the log's monotonic clock: only a test moves them. */
  now = 1000;
  log!: Log;
  writer!: AuditLog;
  readonly #options: FollowOptions;
  #wallMs = Date.UTC(2026, 10, 23, 4, 45, 26, 969);

  constructor(options: FollowOptions = {}) {
    const root = temporaryDirectory();
    this.#options = options;
    this.directory = join(root, 'log');
    this.stateDirectory = join(root, 'state');
    this.path = options.path ?? join(this.directory, 'audit.log');
    this.readers = (options.readers ?? ['one']).map((name) => new Reading(name));
    mkdirSync(this.directory);
    onTestFinished(() => this.stop());
  }

  get reader(): Reading {
    return this.readers[0] as Reading;
  }

  /** Opens the writer. Its clock moves by 137 ms a rotation. */
  write(options: Partial<AuditLogOptions> = {}): AuditLog {
    const now = () => {
      this.#wallMs += 137;
      return this.#wallMs;
    };
    this.writer = new AuditLog({ path: this.path, millByItself: false, now, ...options });
    return this.writer;
  }

  /** Steps the writer's clock. */
  stepClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  async start(): Promise<void> {
    const { files, pins, retention, maxHeldFiles, maxLineBytes, spool, spoolMaxBytes, judged } = this.#options;
    this.log = new Log({
      name: 'log',
      path: this.path,
      files: files ?? LOG_FILES,
      stateDirectory: this.stateDirectory,
      pins: pins ?? true,
      spool: spool ?? false,
      ...(spoolMaxBytes === undefined ? {} : { spoolMaxBytes }),
      retention: retention ?? NO_LIMITS,
      maxHeldFiles: maxHeldFiles ?? 100,
      now: () => this.now,
      reference: (line) => (judged === true ? referenceIn(line) : null),
      anomaly: (kind, _words, fields) => this.anomalies.push({ kind, fields }),
    });
    for (const reader of this.readers) reader.open(this.log, maxLineBytes ?? 1 << 20, judged);
    await this.log.begin();
  }

  async stop(): Promise<void> {
    try {
      for (const reader of this.readers) await reader.cursor?.pause();
    } finally {
      await this.log?.close();
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /**
   * Looks, so often, some time after the last look. Always at the whole directory: only this clock has moved on, and two
   * changes within one tick of the kernel's leave the same time stamp on it.
   */
  async look(times = 1, afterMs = 100): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      this.now += afterMs;
      await this.log.refresh(true);
    }
  }

  /** Looks, so often, only as thoroughly as the log itself finds necessary. */
  async glance(times = 1): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      this.now += 100;
      await this.log.refresh();
    }
  }

  /** Looks and reads until both have come to rest. */
  async catchUp(): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      await this.look();
      for (const reader of this.readers) await reader.read();
    }
  }

  kinds(): readonly string[] {
    return this.anomalies.map(({ kind }) => kind);
  }

  /** Paths of the pins. */
  pins(): readonly string[] {
    const directory = join(this.directory, '.auditail');
    return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(log|gz)$/.test(name));
  }
}

function referenceIn(line: Buffer | string): EventReference {
  const { stageTimestamp } = JSON.parse(line.toString()) as { readonly stageTimestamp: string };
  return { auditID: '', stage: 'ResponseComplete', time: stageTimestamp };
}

/** Open descriptors of this process that lead below a directory. */
export function descriptorsBelow(directory: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
    } catch {
      // The descriptor of this very listing is gone by now.
      return false;
    }
  }).length;
}
