import { appendFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { EventView } from '../../src/event/event-view.ts';
import { salvage } from '../../src/event/salvage.ts';
import type { Filter } from '../../src/filter/filter.ts';
import { LogNames } from '../../src/log/file-name.ts';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { Log } from '../../src/log/log.ts';
import type { Loss } from '../../src/log/loss.ts';
import { LargeLines } from '../../src/pipeline/large-lines.ts';
import type { DeadLetter, PipelineState, SettledSegment } from '../../src/pipeline/pipeline-state.ts';
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.ts';
import type { Checkpoint } from '../../src/state/checkpoint.ts';
import { randomFrom } from './random.ts';
import type { ScriptedOutput } from './scripted-output.ts';

export const PASS_ALL: Filter = { hash: 'none', rules: [], failures: () => 0, judge: () => ({ type: 'pass' }) };

/** An audit event of the smallest kind, with its newline. */
export function eventLine(id: number | string, timeMs = Date.UTC(2026, 10, 23), padding = 0): string {
  const time = new Date(timeMs).toISOString().replace('Z', '000Z');
  const more = padding === 0 ? '' : `,"annotations":{"padding":"${'x'.repeat(padding)}"}`;
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${id}","stage":"ResponseComplete","stageTimestamp":"${time}"${more}}\n`;
}

export function idOf(line: string): string {
  return /"auditID":"([^"]*)"/.exec(line)?.[1] ?? '';
}

/** What stays when the agent is gone: as the state directory, but in memory, and with calls that can fail. */
export class KeptState implements PipelineState {
  checkpoint: Checkpoint | null = null;
  readonly ledger: SettledSegment[] = [];
  readonly losses: Loss[] = [];
  readonly letters = new Map<string, DeadLetter>();
  /** Called before each call does anything; may throw. */
  before: (call: keyof PipelineState) => void = () => undefined;
  /** Whether the dead letter is full. */
  full = false;
  saves = 0;

  note(checkpoint: Checkpoint): void {
    this.before('note');
    this.checkpoint = structuredClone(checkpoint);
  }

  async save(checkpoint: Checkpoint): Promise<void> {
    this.before('save');
    const kept = structuredClone(checkpoint);
    await Promise.resolve();
    this.saves += 1;
    this.checkpoint = kept;
  }

  async segmentSettled(record: SettledSegment): Promise<void> {
    this.before('segmentSettled');
    if (this.ledger.some(({ id, bytes }) => id === record.id && bytes === record.bytes)) return;
    this.ledger.push(structuredClone(record));
  }

  async lost(loss: Loss): Promise<void> {
    this.before('lost');
    this.losses.push(structuredClone(loss));
  }

  /** No pipeline tells anybody anything: its stages do. */
  async told(): Promise<void> {
    this.before('told');
  }

  async setAside(letters: readonly DeadLetter[]): Promise<boolean> {
    this.before('setAside');
    if (this.full) return false;
    for (const letter of letters)
      this.letters.set(`${letter.segment} ${letter.offset}`, { ...letter, bytes: Buffer.from(letter.bytes) });
    return true;
  }

  async setAsideLong(
    letter: Omit<DeadLetter, 'bytes'>,
    length: number,
    read: (offset: number, into: Buffer) => Promise<number>,
  ): Promise<boolean> {
    this.before('setAsideLong');
    if (this.full) return false;
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      const count = await read(at, bytes.subarray(at));
      if (count === 0) break;
      at += count;
    }
    this.letters.set(`${letter.segment} ${letter.offset}`, { ...letter, bytes });
    return true;
  }
}

export interface Said {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log on disk with its writer. */
export class WriterOnDisk {
  readonly path: string;
  readonly names: LogNames;
  /** All whole lines, in order, without their ends. */
  readonly lines: string[] = [];
  bytes = 0;
  #instantMs = Date.UTC(2026, 10, 23);
  #lastBackupMs = 0;
  #next = 0;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, 'audit.log');
    this.names = new LogNames(this.path);
  }

  /** Writes so many events; a second of the log's own time passes with each. */
  write(count = 1, padding = 0): void {
    let text = '';
    for (let written = 0; written < count; written += 1) {
      this.#instantMs += 1000;
      const line = eventLine(this.#next++, this.#instantMs, padding);
      this.lines.push(line.slice(0, -1));
      text += line;
    }
    this.raw(text);
  }

  raw(text: string | Buffer): void {
    appendFileSync(this.path, text);
    this.bytes += Buffer.byteLength(text);
  }

  /** As lumberjack does inside of the write of the next event: the name says when that was made. */
  rotate(): string {
    const instantMs = Math.max(this.#instantMs + 1000, this.#lastBackupMs + 1);
    this.#lastBackupMs = instantMs;
    this.#instantMs = instantMs - 1000;
    const backup = this.names.path(this.names.backup(instantMs));
    renameSync(this.path, backup);
    appendFileSync(this.path, '');
    return backup;
  }
}

export interface Running {
  readonly log: Log;
  readonly pipeline: Pipeline;
  readonly said: Said[];
  readonly drain: AbortController;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** The log is over: it ends when all is delivered. */
  finish(): Promise<void>;
  /** As kill -9: whatever it does from now on reaches nobody. */
  kill(): Promise<void>;
}

export interface RunOptions extends Partial<Omit<PipelineOptions, 'log' | 'output' | 'state' | 'resume' | 'batch'>> {
  readonly path: string;
  readonly output: ScriptedOutput;
  readonly state: KeptState;
  readonly batch?: Partial<PipelineOptions['batch']>;
  readonly ships?: boolean;
  readonly files?: LogFiles;
  readonly spool?: boolean;
  /** Bytes of deleted files that are kept at most. */
  readonly retainBytes?: number;
  /** Aborted when it is to drain; one of its own by default. */
  readonly draining?: AbortController;
}

/** Runs a pipeline over a real log; its waits between tries take a millisecond. */
export async function startPipeline(options: RunOptions): Promise<Running> {
  const { path, output, state, batch, ships = false, files = LOG_FILES, spool = false, retainBytes, ...rest } = options;
  const { draining: drain = new AbortController(), ...more } = rest;
  const said: Said[] = [];
  const view = new EventView();
  const log = new Log({
    name: 'kube',
    path,
    files,
    stateDirectory: join(path, '../state'),
    pins: true,
    retention: { maxBytes: retainBytes ?? Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
    spool,
    maxHeldFiles: 100,
    reference: (line) => (view.read(line, 0, line.length) === null ? view.reference() : null),
    anomaly: () => undefined,
  });
  let over = ships;
  const dead = { yes: false };
  const kept: PipelineState = {
    note: (checkpoint) => (dead.yes ? undefined : state.note(checkpoint)),
    save: async (checkpoint) => (dead.yes ? undefined : state.save(checkpoint)),
    segmentSettled: async (record) => (dead.yes ? undefined : state.segmentSettled(record)),
    lost: async (loss) => (dead.yes ? undefined : state.lost(loss)),
    told: async () => state.told(),
    setAside: async (letters) => dead.yes || state.setAside(letters),
    setAsideLong: async (letter, length, read) => dead.yes || state.setAsideLong(letter, length, read),
  };
  const say = (level: Said['level']) => (message: string, fields: Readonly<Record<string, unknown>>) =>
    void said.push({ level, message, fields });
  const pipeline = new Pipeline({
    origin: path,
    filter: PASS_ALL,
    event: new EventView(),
    salvage,
    retry: { initialDelay: 500, maxDelay: 30_000 },
    maxLineBytes: 1024 * 1024,
    maxReadRate: 'off',
    order: 'oldest-first',
    checkpointIntervalMs: 20,
    notes: { info: say('info'), warn: say('warn'), error: say('error'), sent: () => undefined },
    ending: () => over,
    sleep: (_ms, signal) => shortSleep(signal),
    random: randomFrom(1),
    firstRun: async () => [],
    largeLines: new LargeLines(),
    ...more,
    log,
    output,
    batch: { maxBytes: 1024 * 1024, maxEvents: 5000, maxDelay: 5, maxInFlight: 2, ...batch },
    state: kept,
    resume: state.checkpoint,
  });
  await log.begin();
  const stop = new AbortController();
  const following = new AbortController();
  const followed = log.follow(following.signal, {
    activeMs: 2,
    idleMs: 5,
    quietMs: 1000,
    wake: { wait: shortWait, disarm: () => undefined },
  });
  const ended = pipeline.run(drain.signal, stop.signal).finally(async () => {
    following.abort();
    await followed;
    await log.close();
  });
  // Whoever awaits it later must not find it unhandled before.
  ended.catch(() => undefined);
  return {
    log,
    pipeline,
    said,
    drain,
    stop,
    ended,
    finish: async () => {
      await log.refresh(true);
      over = true;
      log.pulse.beat();
      await ended;
    },
    kill: async () => {
      dead.yes = true;
      stop.abort(new Error('killed'));
      await ended;
    },
  };
}

async function shortSleep(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, 1));
  signal.throwIfAborted();
}

async function shortWait(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return false;
}

/** Waits for something that has to come; the test's own time-out is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
