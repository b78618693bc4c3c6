import * as fc from 'fast-check';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Cursor, type Place } from '../../src/log/cursor.ts';
import { LOG_FILES } from '../../src/log/files.ts';
import { LogNames } from '../../src/log/file-name.ts';
import { Log, type LogReader, type Remembered } from '../../src/log/log.ts';

/**
 * Welcome. A model of the log's writer (lines, torn writes, rotations, compression, deletions) runs beside the real
 * Log and a Cursor on real files. The model knows every byte that was written; what the cursor gave out must be exactly
 * that, each file in order, but for what was deleted while nobody could have kept it, and that must have been reported.
 */

type Action =
  | { type: 'write'; lines: number; size: number }
  | { type: 'tear'; size: number }
  | { type: 'rotate' }
  | { type: 'compress' }
  | { type: 'deleteOldest' }
  | { type: 'look' }
  | { type: 'read'; pieces: number }
  | { type: 'restart' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      lines: fc.integer({ min: 1, max: 5 }),
      size: fc.integer({ min: 1, max: 3000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('tear' as const), size: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 3, arbitrary: fc.constant({ type: 'rotate' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'compress' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'deleteOldest' as const }) },
  { weight: 4, arbitrary: fc.constant({ type: 'look' as const }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('read' as const), pieces: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
);

/** The writer's side: what it wrote into each of its files. */
class WriterModel {
  readonly names: LogNames;
  readonly path: string;
  readonly files: { content: string; backup: string | null; deleted: boolean; seen: boolean }[] = [];
  #clock = Date.UTC(2026, 10, 23);
  #line = 0;

  constructor(path: string) {
    this.path = path;
    this.names = new LogNames(path);
    this.#create();
  }

  #create(): void {
    writeFileSync(this.path, '');
    this.files.push({ content: '', backup: null, deleted: false, seen: false });
  }

  get live() {
    return this.files[this.files.length - 1] as WriterModel['files'][number];
  }

  write(lines: number, size: number): void {
    for (let count = 0; count < lines; count += 1) this.#append(`${this.#line++}:${'x'.repeat(size)}\n`);
  }

  tear(size: number): void {
    this.#append(`${this.#line++}:${'t'.repeat(size)}`);
  }

  #append(text: string): void {
    appendFileSync(this.path, text);
    this.live.content += text;
  }

  rotate(): void {
    // As lumberjack, which rotates inside a write that would make the file too large: never an empty one.
    if (this.live.content === '') return;
    this.#clock += 137;
    const backup = this.names.backup(this.#clock);
    renameSync(this.path, this.names.path(backup));
    this.live.backup = backup;
    this.#create();
  }

  compress(): void {
    const file = this.files.find(({ backup, deleted }) => backup !== null && !deleted && !backup.endsWith('.gz'));
    if (file?.backup == null) return;
    const plain = this.names.path(file.backup);
    writeFileSync(`${plain}.gz`, gzipSync(readFileSync(plain)));
    unlinkSync(plain);
    file.backup = `${file.backup}.gz`;
  }

  deleteOldest(): void {
    const file = this.files.find(({ backup, deleted }) => backup !== null && !deleted);
    if (file?.backup == null) return;
    unlinkSync(this.names.path(file.backup));
    file.deleted = true;
  }
}

/** The reader's side: a log with one cursor, and what it gave out. */
class ReaderUnderTest implements LogReader {
  readonly name = 'reader';
  readonly places = new Map<string, Place>();
  readonly given = new Map<string, string>();
  readonly lost: { from: number; segment: string; reason: string }[] = [];
  readonly #directory: string;
  readonly #path: string;
  readonly #pins: boolean;
  log!: Log;
  cursor!: Cursor;

  constructor(directory: string, path: string, pins: boolean) {
    this.#directory = directory;
    this.#path = path;
    this.#pins = pins;
  }

  remembered(id: string): readonly Remembered[] {
    return [...this.places]
      .filter(([key]) => key === id || key.startsWith(`${id}-`))
      .map(([key, place]) => ({ id: key, settled: place.offset, done: place.done, marks: place.marks }));
  }

  async start(): Promise<void> {
    this.log = new Log({
      name: 'log',
      path: this.#path,
      files: LOG_FILES,
      stateDirectory: this.#directory,
      pins: this.#pins,
      spool: false,
      retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
      maxHeldFiles: 1000,
      reference: () => null,
      anomaly: () => undefined,
    });
    this.log.register(this, []);
    this.cursor = new Cursor(this.log, this.places, { maxLineBytes: 1 << 20, enter: () => [] });
    await this.log.begin();
  }

  async stop(): Promise<void> {
    await this.cursor.pause();
    await this.log.close();
  }

  /** False when there was nothing more. */
  async read(): Promise<boolean> {
    const piece = await this.cursor.next();
    if (piece === null) return false;
    if (piece.kind === 'lines' || piece.kind === 'torn') {
      const before = this.given.get(piece.segment.id) ?? '';
      const text = piece.bytes.toString('latin1', piece.start, piece.end);
      // What is given out again (the file grew behind a torn line) replaces what was given out from there on.
      expect(piece.offset).toBeLessThanOrEqual(before.length);
      this.given.set(piece.segment.id, before.slice(0, piece.offset) + text);
      const place = this.places.get(piece.segment.id) as Place;
      place.marks = [
        ...place.marks,
        this.cursor.markAt(piece.bytes, piece.end, piece.offset + piece.end - piece.start),
      ];
    } else if (piece.kind === 'loss')
      this.lost.push({ from: piece.loss.from ?? 0, segment: piece.loss.segment ?? '', reason: piece.loss.reason });
    else if (piece.kind === 'end') await this.log.settled(piece.segment, this.name);
    else throw new Error(`nothing should give ${piece.kind}`);
    return true;
  }
}

async function act(step: Action, writer: WriterModel, reader: ReaderUnderTest): Promise<void> {
  if (step.type === 'write') writer.write(step.lines, step.size);
  else if (step.type === 'tear') writer.tear(step.size);
  else if (step.type === 'rotate') writer.rotate();
  else if (step.type === 'compress') writer.compress();
  else if (step.type === 'deleteOldest') writer.deleteOldest();
  else if (step.type === 'look') {
    await reader.log.refresh(true);
    for (const file of writer.files) if (!file.deleted && file.content.includes('\n')) file.seen = true;
  } else if (step.type === 'read') {
    for (let count = 0; count < step.pieces && (await reader.read()); count += 1);
  } else {
    await reader.stop();
    await reader.start();
    for (const file of writer.files) if (!file.deleted && file.content.includes('\n')) file.seen = true;
  }
}

async function checkRun(actions: readonly Action[], pins: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-model-'));
  try {
    const logDirectory = join(directory, 'log');
    mkdirSync(logDirectory);
    const path = join(logDirectory, 'audit.log');
    const writer = new WriterModel(path);
    const reader = new ReaderUnderTest(directory, path, pins);
    await reader.start();
    for (const step of actions) await act(step, writer, reader);
    writer.write(1, 10);
    for (let round = 0; round < 4; round += 1) {
      await reader.log.refresh(true);
      while (await reader.read());
    }
    await reader.stop();
    const given = [...reader.given.values()];
    for (const file of writer.files) {
      const whole = given.includes(file.content) || given.some((text) => text === file.content);
      // Seen once and pinned, nothing is lost, whatever is deleted and whenever the reader restarts.
      if (file.content !== '' && (file.seen && pins ? true : !file.deleted)) {
        expect(whole, `a file of ${file.content.length} bytes (${file.backup ?? 'live'})`).toBe(true);
      }
    }
    for (const text of given) {
      expect(writer.files.some(({ content }) => content.startsWith(text))).toBe(true);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a log under a writer that writes, tears, rotates, compresses and deletes', () => {
  it('gives out every byte of every file that was seen once, in order and once, with pins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => checkRun(actions, true)),
      { numRuns: 150, seed: 20261123, endOnFailure: false },
    );
  });

  it('gives out every byte of every file that still exists, without pins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => checkRun(actions, false)),
      { numRuns: 100, seed: 1123, endOnFailure: false },
    );
  });
});
