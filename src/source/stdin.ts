import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StdinSourceConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import type { Anomaly, Log } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { logStatus } from './log-status.ts';
import { type Source, Stopped } from './source.ts';
import type { Found, Spool } from './spool.ts';
import { SpoolSpace } from './spool-space.ts';
import { createSpooledLog, type SpooledLog } from './spooled-log.ts';

export interface StdinSourceOptions {
  readonly config: StdinSourceConfig;
  readonly stateDirectory: string;
  readonly input: Readable;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** What the kernel gives of a pipe at a time, as a rule. */
const STEP_BYTES = 64 * 1024;
const SYNC_MS = 1000;
/** What every gzip begins with (RFC 1952). */
const GZIP = Buffer.from([0x1f, 0x8b]);
const RETRY_MS = 500;
const SHOW_MS = 20;

/**
 * A pipe: `kube-apiserver --audit-log-path=- | auditail --stdin`. Its bytes go to a spool at once, so that a slow
 * output does not block the API server; the spool is then followed like any log.
 */
export function createStdinSource({ config, input, ...options }: StdinSourceOptions): Source {
  const { name, type, spool: limits } = config;
  const spooled = createSpooledLog({ ...options, name, limits });
  const { log, anomalies } = spooled;
  return {
    name,
    type,
    origin: '-',
    log,
    caughtUp: () => false,
    follow: (signal) => new Pump(input, spooled, limits).run(signal),
    status: () => logStatus(name, type, '-', log, anomalies),
  };
}

/** Pipes that one agent of this process has left open for the next. */
const leftOpen = new WeakSet<Readable>();

/** Moves a pipe's bytes into the spool until the pipe ends or the signal comes. */
class Pump {
  readonly #input: Readable;
  readonly #spool: Spool;
  readonly #log: Log;
  readonly #space: SpoolSpace;
  readonly #fsync: StdinSourceConfig['spool']['fsync'];
  readonly #note: Anomaly;
  #showing: NodeJS.Timeout | null = null;
  #shownAt = 0;
  #shownInstantMs = 0;

  constructor(input: Readable, spooled: SpooledLog, limits: StdinSourceConfig['spool']) {
    this.#input = input;
    this.#spool = spooled.spool;
    this.#log = spooled.log;
    this.#space = new SpoolSpace(spooled, limits);
    this.#fsync = limits.fsync;
    this.#note = spooled.note;
    // Between two reads nobody listens; the next one asks for the error.
    if (input.listenerCount('error') === 0) input.on('error', () => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    const found = await this.#spool.open('keep');
    // What looks like the end of a killed agent then is where the one before stopped reading.
    let begun = leftOpen.delete(this.#input);
    if (!begun) this.#tellOfEarlierEnd(found);
    await this.#log.refresh(true);
    const syncing = this.#syncRegularly(signal);
    try {
      while (await readable(this.#input, signal)) {
        for (let chunk = read(this.#input); chunk !== null; chunk = read(this.#input)) {
          if (!begun) this.#tellOfGzip(chunk);
          begun = true;
          await this.#store(chunk, signal);
          if (signal.aborted) break;
        }
      }
      if (isHandedOver(signal)) return;
      // What has been read from the pipe and is still in memory nobody else has. Nothing is added to it meanwhile.
      const rest: Buffer[] = [];
      for (let chunk = read(this.#input); chunk !== null; chunk = read(this.#input)) rest.push(chunk);
      this.#input.destroy();
      for (const chunk of rest) await this.#store(chunk, signal);
    } finally {
      clearTimeout(this.#showing ?? undefined);
      if (isHandedOver(signal)) {
        leftOpen.add(this.#input);
        await this.#spool.leave();
      } else {
        this.#input.destroy();
        await this.#spool.close();
      }
      await this.#log.refresh(true);
      await syncing.stop();
    }
  }

  async #store(chunk: Buffer, signal: AbortSignal): Promise<void> {
    let rest = chunk;
    try {
      while (rest.length > 0) {
        const step = rest.subarray(0, STEP_BYTES);
        await this.#space.take(step.length, signal);
        rest = rest.subarray(await this.#insist(() => this.#append(step, signal), signal));
        await this.#show();
      }
    } catch (error) {
      // The spool cannot be written, and another agent takes over: it finds the bytes in the pipe as before.
      if (!isHandedOver(signal) || rest.length === 0) throw error;
      this.#input.unshift(rest);
    }
  }

  /**
   * Killed, an agent takes along what it had read from the pipe and not written yet. What the pipe itself held is gone
   * too, unless somebody else has kept it open.
   */
  #tellOfEarlierEnd({ unclean, tornBytes }: Found): void {
    if (!unclean) return;
    const words =
      'the agent was killed: what it had read from the pipe and not yet written is lost, and what the pipe held, unless that was kept open; nobody knows how much it was';
    const torn = tornBytes === 0 ? '' : `; the last line before has ${tornBytes} bytes and no end`;
    this.#note('pipe', 'the agent was killed while it read a pipe', { tornBytes });
    this.#log.reported.push({ reason: 'pipe', proof: 'suspected', words: `${words}${torn}` });
    this.#log.pulse.beat();
  }

  /** Not unpacked: an API server prints lines, and who pipes a backup in has to see at once why all of it is set aside. */
  #tellOfGzip(chunk: Buffer): void {
    if (!chunk.subarray(0, GZIP.length).equals(GZIP)) return;
    const words = 'the pipe begins as gzip does: no event is read from that; unpack it before, as gzip -dc does';
    this.#note('pipe-gzip', words, {});
  }

  async #append(step: Buffer, signal: AbortSignal): Promise<number> {
    const taken = await this.#spool.append(step);
    if (this.#fsync === 'each') await this.#insist(() => this.#spool.sync(), signal);
    return taken;
  }

  /** A full disk makes the pipe wait; nothing is dropped for it. */
  async #insist<Result>(act: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    for (let told = false; ; told = true) {
      try {
        return await act();
      } catch (error) {
        const reason = messageOf(error);
        if (!told) this.#note('spool-unwritable', 'the spool cannot be written: the pipe waits', { reason });
        if (signal.aborted) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Lets the readers know that there is more, but not for each of the small writes of an API server: each look makes
   * every output read.
   */
  async #show(): Promise<void> {
    const now = performance.now();
    const { lastInstantMs } = this.#spool;
    const rotated = lastInstantMs !== this.#shownInstantMs;
    if (now - this.#shownAt < SHOW_MS && !rotated) {
      this.#showing ??= setTimeout(() => {
        this.#showing = null;
        this.#shownAt = performance.now();
        void this.#log.refresh();
      }, SHOW_MS);
      return;
    }
    this.#shownAt = now;
    this.#shownInstantMs = lastInstantMs;
    // A file that was closed has to be found under its new name: by then only the log knows how long it is.
    await this.#log.refresh(rotated);
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

function isHandedOver({ reason }: AbortSignal): boolean {
  return reason instanceof Stopped && reason.handedOver;
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
