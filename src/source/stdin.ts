import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StdinSourceConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import { maxHeldFiles } from '../log/descriptors.ts';
import { LOG_FILES } from '../log/files.ts';
import { Log, type Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { Anomalies, logStatus } from './log-status.ts';
import type { Source } from './source.ts';
import { Spool } from './spool.ts';

export interface StdinSourceOptions {
  readonly config: StdinSourceConfig;
  readonly stateDirectory: string;
  readonly input: Readable;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;
/** A settled file is deleted whole: a spool of few files would be full although hardly anything waits in it. */
const LEAST_SEGMENTS = 8;
/** What the kernel gives of a pipe at a time, as a rule. */
const STEP_BYTES = 64 * 1024;
const SYNC_MS = 1000;
const RETRY_MS = 500;

/**
 * A pipe: `kube-apiserver --audit-log-path=- | auditail --stdin`. Its bytes go to a spool at once, so that a slow
 * output does not block the API server; the spool is then followed like any log.
 */
export function createStdinSource(options: StdinSourceOptions): Source {
  const { config, stateDirectory, reference, anomaly } = options;
  const anomalies = new Anomalies();
  const segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.floor(config.spool.maxBytes / LEAST_SEGMENTS));
  const spool = new Spool(join(stateDirectory, 'spool', config.name, 'audit.log'), segmentBytes);
  const note: Anomaly = (kind, words, fields) => {
    anomalies.count(kind);
    anomaly(kind, words, fields);
  };
  const log = new Log({
    name: config.name,
    path: spool.path,
    files: LOG_FILES,
    stateDirectory,
    pins: false,
    spool: true,
    retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
    maxHeldFiles: maxHeldFiles(),
    reference,
    anomaly: note,
  });
  return {
    name: config.name,
    type: config.type,
    origin: '-',
    log,
    follow: (signal) => new Pump(options.input, spool, log, config.spool, note).run(signal),
    status: () => logStatus(config.name, config.type, '-', log, anomalies),
  };
}

/** Moves a pipe's bytes into the spool until the pipe ends or the signal comes. */
class Pump {
  readonly #input: Readable;
  readonly #spool: Spool;
  readonly #log: Log;
  readonly #limits: StdinSourceConfig['spool'];
  readonly #note: Anomaly;
  #full = false;

  constructor(input: Readable, spool: Spool, log: Log, limits: StdinSourceConfig['spool'], note: Anomaly) {
    this.#input = input;
    this.#spool = spool;
    this.#log = log;
    this.#limits = limits;
    this.#note = note;
    // Between two reads nobody listens; the next one asks for the error.
    input.on('error', () => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#spool.open();
    await this.#log.refresh(true);
    const syncing = this.#syncRegularly(signal);
    try {
      while (await readable(this.#input, signal)) {
        for (let chunk = read(this.#input); chunk !== null; chunk = read(this.#input)) {
          await this.#store(chunk, signal);
          if (signal.aborted) break;
        }
      }
      // What has been read from the pipe and is still in memory nobody else has. Nothing is added to it meanwhile.
      const rest: Buffer[] = [];
      for (let chunk = read(this.#input); chunk !== null; chunk = read(this.#input)) rest.push(chunk);
      this.#input.destroy();
      for (const chunk of rest) await this.#store(chunk, signal);
    } finally {
      this.#input.destroy();
      await this.#spool.close();
      await this.#log.refresh(true);
      await syncing.stop();
    }
  }

  async #store(chunk: Buffer, signal: AbortSignal): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const step = rest.subarray(0, STEP_BYTES);
      await this.#room(step.length, signal);
      rest = rest.subarray(await this.#append(step, signal));
      await this.#log.refresh();
    }
  }

  /** Waits, or makes room, where the spool is full. What it holds beyond the bound is never more than one line. */
  async #room(needed: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#spooledBytes() + needed > this.#limits.maxBytes && this.#closedFiles() > 0) {
      const { maxBytes, whenFull } = this.#limits;
      if (!this.#full) this.#note('spool-full', 'the spool is full', { maxBytes, whenFull });
      this.#full = true;
      if (whenFull === 'block') await this.#log.pulse.wait(RETRY_MS, signal);
      else {
        await this.#log.dropOldest();
        await this.#log.refresh(true);
      }
    }
    if (this.#spooledBytes() + needed <= this.#limits.maxBytes) this.#full = false;
  }

  #spooledBytes(): number {
    return this.#log.segments.reduce(
      (sum, { gone, places, size }) => sum + (gone === null && places.plain !== null ? size : 0),
      0,
    );
  }

  /** Those that can be settled and deleted, or dropped; the live file goes on to its end. */
  #closedFiles(): number {
    const { live, segments } = this.#log;
    return segments.filter((segment) => segment !== live && segment.gone === null && segment.places.plain !== null)
      .length;
  }

  /** A full disk makes the pipe wait; nothing is dropped for it. Gives how many bytes were taken. */
  async #append(chunk: Buffer, signal: AbortSignal): Promise<number> {
    for (let told = false; ; told = true) {
      try {
        return await this.#spool.append(chunk);
      } catch (error) {
        const reason = messageOf(error);
        if (!told) this.#note('spool-unwritable', 'the spool cannot be written: the pipe waits', { reason });
        if (signal.aborted) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  #syncRegularly(signal: AbortSignal): { stop(): Promise<void> } {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const running = (async () => {
      while (!either.aborted) {
        await sleepUntil(SYNC_MS, either);
        try {
          await this.#spool.sync();
        } catch (error) {
          this.#note('spool-unsynced', 'the spool could not be forced to disk', { reason: messageOf(error) });
        }
      }
    })();
    return {
      stop: async () => {
        ended.abort();
        await running;
      },
    };
  }
}

function read(input: Readable): Buffer | null {
  return input.read() as Buffer | null;
}

/** Waits until there is something to read; false at the end of the pipe, and when the signal comes. */
function readable(input: Readable, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || input.readableEnded) return Promise.resolve(false);
  if (input.readableLength > 0) return Promise.resolve(true);
  if (input.destroyed) return input.errored === null ? Promise.resolve(false) : Promise.reject(input.errored);
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      input.off('readable', more).off('end', end).off('close', end).off('error', failed);
      signal.removeEventListener('abort', end);
      settle();
    };
    const more = () => done(() => resolve(true));
    const end = () => done(() => resolve(false));
    const failed = (error: Error) => done(() => reject(error));
    input.on('readable', more).on('end', end).on('close', end).on('error', failed);
    signal.addEventListener('abort', end, { once: true });
  });
}

function sleepUntil(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
