import * as fc from 'fast-check';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { LogNames } from '../../src/log/file-name.ts';
import { Log } from '../../src/log/log.ts';
import { NO_LIMITS, Reading } from './support/followed-log.ts';

/**
 * Welcome. A model of the log's writer, and of people and power losses that meddle with its files, runs beside the real
 * Log with two cursors of different pace on real files. The model knows every byte that was written. What a cursor gave
 * out of a file must be a beginning of what was written to it, the whole of it but for what was reported as lost; and
 * what the model knows to be safe must not be reported.
 */

type Action =
  | { type: 'write'; lines: number; size: number }
  | { type: 'tear'; size: number }
  | { type: 'rotate' }
  | { type: 'clock'; byMs: number }
  | { type: 'compress' }
  | { type: 'deleteOldest' }
  | { type: 'growSettled'; size: number }
  | { type: 'copy'; whole: boolean }
  | { type: 'rename' }
  | { type: 'truncate' }
  | { type: 'fail'; code: string }
  | { type: 'look'; afterMs: number }
  | { type: 'read'; reader: number; pieces: number }
  | { type: 'restart' };

const count = (max: number) => fc.integer({ min: 1, max });
const usual: fc.WeightedArbitrary<Action>[] = [
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), lines: count(5), size: count(3000) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('tear' as const), size: count(400) }) },
  { weight: 3, arbitrary: fc.constant({ type: 'rotate' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('clock' as const), byMs: fc.constantFrom(-3_600_000, -500, 86_400_000) }),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'compress' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'deleteOldest' as const }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('look' as const), afterMs: fc.constantFrom(0, 100, 31_000) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('read' as const), reader: fc.nat(1), pieces: count(6) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
];
const meddling: fc.WeightedArbitrary<Action>[] = [
  { weight: 1, arbitrary: fc.record({ type: fc.constant('growSettled' as const), size: count(200) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('copy' as const), whole: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'rename' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'truncate' as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('fail' as const), code: fc.constantFrom('EIO', 'EMFILE') }) },
];

interface WrittenFile {
  content: string;
  backup: string | null;
  deleted: boolean;
  /** Whether the log has had a chance to see it, and nothing has failed since that could have kept it from being pinned. */
  seen: boolean;
  /** Whether somebody has truncated it: bytes that were there may be lost, reported. */
  truncated: boolean;
}

/** The writer's side: what it wrote into each of its files. */
class WriterModel {
  readonly names: LogNames;
  readonly path: string;
  readonly files: WrittenFile[] = [];
  #clock = Date.UTC(2026, 10, 23);
  #line = 0;
  #copies = 0;

  constructor(path: string) {
    this.path = path;
    this.names = new LogNames(path);
    this.#create();
  }

  #create(): void {
    writeFileSync(this.path, '');
    this.files.push({ content: '', backup: null, deleted: false, seen: false, truncated: false });
  }

  get live(): WrittenFile {
    return this.files.at(-1) as WrittenFile;
  }

  write(lines: number, size: number): void {
    for (let written = 0; written < lines; written += 1) this.#append(`${this.#line++}:${'x'.repeat(size)}\n`);
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
    const backup = this.#newName();
    renameSync(this.path, this.names.path(backup));
    this.live.backup = backup;
    this.#create();
  }

  stepClock(byMs: number): void {
    this.#clock += byMs;
  }

  compress(): void {
    const file = this.#backup((name) => !name.endsWith('.gz'));
    if (file?.backup == null) return;
    const plain = this.names.path(file.backup);
    writeFileSync(`${plain}.gz`, gzipSync(readFileSync(plain)));
    unlinkSync(plain);
    file.backup = `${file.backup}.gz`;
  }

  deleteOldest(): void {
    const file = this.#backup(() => true);
    if (file?.backup == null) return;
    unlinkSync(this.names.path(file.backup));
    file.deleted = true;
  }

  /** An overlapping writer writes on to a file that was closed, a whole line behind a whole one. */
  growSettled(size: number): void {
    const file = this.#backup((name) => !name.endsWith('.gz'));
    if (file?.backup == null || !file.content.endsWith('\n')) return;
    const text = `${this.#line++}:${'g'.repeat(size)}\n`;
    appendFileSync(this.names.path(file.backup), text);
    file.content += text;
  }

  copy(whole: boolean): void {
    const file = this.#backup((name) => !name.endsWith('.gz')) ?? this.live;
    const from = file.backup === null ? this.path : this.names.path(file.backup);
    const line = file.content.indexOf('\n') + 1;
    if (line === 0) return;
    this.#copies += 1;
    const to = this.names.path(this.names.backup(Date.UTC(2025, 0, 1) + this.#copies));
    copyFileSync(from, to);
    if (!whole) truncateSync(to, line);
  }

  rename(): void {
    const file = this.#backup((name) => !name.endsWith('.gz'));
    if (file?.backup == null) return;
    const name = this.#newName();
    renameSync(this.names.path(file.backup), this.names.path(name));
    file.backup = name;
  }

  /** The live file is emptied, and its writer goes on at its end. */
  truncate(): void {
    if (this.live.content === '') return;
    this.live.truncated = true;
    truncateSync(this.path);
    // What comes is another file to whoever reads.
    this.files.push({ content: '', backup: null, deleted: false, seen: false, truncated: false });
    this.live.seen = false;
  }

  #newName(): string {
    this.#clock += 137;
    let name = this.names.backup(this.#clock);
    while (this.files.some(({ backup }) => backup?.startsWith(name))) {
      this.#clock += 1;
      name = this.names.backup(this.#clock);
    }
    return name;
  }

  #backup(suits: (name: string) => boolean): WrittenFile | undefined {
    return this.files.find(({ backup, deleted }) => backup !== null && !deleted && suits(backup));
  }
}

/** The reader's side: a log with two cursors, on a file system that can fail once. */
class ReadersUnderTest {
  readonly readings = [new Reading('quick'), new Reading('slow')];
  readonly #directory: string;
  readonly #path: string;
  readonly #pins: boolean;
  #now = 1000;
  #fault = '';
  log!: Log;

  constructor(directory: string, path: string, pins: boolean) {
    this.#directory = directory;
    this.#path = path;
    this.#pins = pins;
  }

  async start(): Promise<void> {
    this.log = new Log({
      name: 'log',
      path: this.#path,
      files: this.#files(),
      stateDirectory: this.#directory,
      pins: this.#pins,
      spool: false,
      retention: NO_LIMITS,
      maxHeldFiles: 1000,
      now: () => this.#now,
      reference: () => null,
      anomaly: () => undefined,
    });
    for (const reading of this.readings) reading.open(this.log, 1 << 20);
    await this.log.begin();
  }

  async stop(): Promise<void> {
    for (const reading of this.readings) await reading.cursor.pause();
    await this.log.close();
  }

  /** The next read or open fails. */
  fail(code: string): void {
    this.#fault = code;
  }

  get failing(): boolean {
    return this.#fault !== '';
  }

  async look(afterMs: number): Promise<void> {
    this.#now += afterMs;
    await this.log.refresh(true);
  }

  async read(reader: number, pieces: number): Promise<void> {
    try {
      await this.readings[reader]?.read(pieces);
    } catch (error) {
      expect(String(error)).toContain('injected');
    }
  }

  #files(): LogFiles {
    const perhaps = <T>(call: () => Promise<T>): Promise<T> => {
      const code = this.#fault;
      this.#fault = '';
      return code === '' ? call() : Promise.reject(Object.assign(new Error(`${code} injected`), { code }));
    };
    return {
      ...LOG_FILES,
      open: (path) => perhaps(() => LOG_FILES.open(path)),
      read: (...call) => perhaps(() => LOG_FILES.read(...call)),
    };
  }
}

function noteSeen(writer: WriterModel): void {
  for (const file of writer.files) if (!file.deleted && file.content.includes('\n')) file.seen = true;
}

async function act(step: Action, writer: WriterModel, readers: ReadersUnderTest): Promise<void> {
  if (step.type === 'write') writer.write(step.lines, step.size);
  else if (step.type === 'tear') writer.tear(step.size);
  else if (step.type === 'rotate') writer.rotate();
  else if (step.type === 'clock') writer.stepClock(step.byMs);
  else if (step.type === 'compress') writer.compress();
  else if (step.type === 'deleteOldest') writer.deleteOldest();
  else if (step.type === 'growSettled') writer.growSettled(step.size);
  else if (step.type === 'copy') writer.copy(step.whole);
  else if (step.type === 'rename') writer.rename();
  else if (step.type === 'truncate') writer.truncate();
  else if (step.type === 'fail') readers.fail(step.code);
  else if (step.type === 'read') await readers.read(step.reader, step.pieces);
  else {
    const failing = readers.failing;
    if (step.type === 'look') await readers.look(step.afterMs);
    else {
      await readers.stop();
      await readers.start();
    }
    if (!failing) noteSeen(writer);
  }
}

function check(reading: Reading, writer: WriterModel, pins: boolean): void {
  const given = [...reading.given.values()].map((text) => text.replace(/^\0+/, ''));
  for (const text of given) {
    // Whatever was given out stands in one of the files as it was written, from its beginning.
    expect(
      writer.files.some(({ content }) => content.startsWith(text)),
      `${reading.name}: ${text.slice(0, 40)}…`,
    ).toBe(true);
  }
  const lost = reading.losses.length;
  const missing = writer.files.filter(({ content }) => content !== '' && !given.includes(content));
  for (const file of missing) {
    const what = `${reading.name}: a file of ${file.content.length} bytes (${file.backup ?? 'live'})`;
    // Seen once and pinned, nothing is lost, whatever is deleted and whenever the reader restarts.
    expect(file.truncated || (file.deleted && !(file.seen && pins)), what).toBe(true);
    if (file.truncated && file.seen && given.some((text) => text !== '' && file.content.startsWith(text))) {
      expect(lost, `${what} is lost in part, and nothing says so`).toBeGreaterThan(0);
    }
  }
}

async function checkRun(actions: readonly Action[], pins: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-model-'));
  try {
    const logDirectory = join(directory, 'log');
    mkdirSync(logDirectory);
    const path = join(logDirectory, 'audit.log');
    const writer = new WriterModel(path);
    const readers = new ReadersUnderTest(directory, path, pins);
    await readers.start();
    for (const step of actions) await act(step, writer, readers);
    readers.fail('');
    writer.write(1, 10);
    for (let round = 0; round < 4; round += 1) {
      await readers.look(31_000);
      for (const reader of [0, 1]) await readers.read(reader, Number.POSITIVE_INFINITY);
    }
    await readers.stop();
    for (const reading of readers.readings) check(reading, writer, pins);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function assertRuns(
  actions: fc.WeightedArbitrary<Action>[],
  pins: boolean,
  numRuns: number,
  seed: number,
): Promise<void> {
  const steps = fc.array(fc.oneof(...actions), { minLength: 1, maxLength: 60 });
  return fc.assert(
    fc.asyncProperty(steps, (run) => checkRun(run, pins)),
    { numRuns: Number(process.env['AUDITAIL_MODEL_RUNS'] ?? numRuns), seed, endOnFailure: false },
  );
}

describe('a log under a writer that writes, tears, rotates, compresses and deletes, with a clock that steps', () => {
  it('gives out every byte of every file that was seen once, in order and once, with pins', async () => {
    await assertRuns(usual, true, 100, 20261123);
  });

  it('gives out every byte of every file that still exists, without pins', async () => {
    await assertRuns(usual, false, 80, 1123);
  });
});

describe('a log that is copied, renamed, truncated and written to after its closing, on a disk that fails now and then', () => {
  it('gives out the same, and reports what was lost', async () => {
    await assertRuns([...usual, ...meddling], true, 100, 77);
  });

  it('gives out the same without pins', async () => {
    await assertRuns([...usual, ...meddling], false, 80, 78);
  });
});
