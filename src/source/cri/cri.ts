import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileSourceConfig } from '../../config/schema.ts';
import { messageOf } from '../../errors.ts';
import { Cursor, type Piece, type PlaceMark } from '../../log/cursor.ts';
import { maxHeldFiles } from '../../log/descriptors.ts';
import { LOG_FILES } from '../../log/files.ts';
import { Log, type Anomaly } from '../../log/log.ts';
import type { EventReference } from '../../log/loss.ts';
import { firstRun } from '../first-run.ts';
import { logStatus } from '../log-status.ts';
import type { Source } from '../source.ts';
import { SpoolSpace } from '../spool-space.ts';
import { createSpooledLog, type SpooledLog } from '../spooled-log.ts';
import { Copied } from './copied.ts';
import { CriDecoder } from './decoder.ts';
import { KubeletFiles } from './kubelet-files.ts';
import { PositionFile } from './position.ts';

export interface CriSourceOptions {
  readonly config: FileSourceConfig;
  readonly stateDirectory: string;
  readonly activePollMs: number;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** Lines of a runtime have 16 KiB and a frame; one that is longer is none. */
const MAX_LINE_BYTES = 1024 * 1024;
const IDLE_POLL_MS = 1000;
const QUIET_MS = 5000;
const SAVE_MS = 1000;
const RETRY_MS = 500;
const READER = 'copy';

/**
 * A static pod whose API server writes its trail to stdout: the files that kubelet keeps of it, with the runtime's frame
 * taken off. Kubelet keeps few of them (five of 10 MiB as a rule), and deletes them with the pod, so what stands in them
 * is copied into a spool at once, which is then followed like any log.
 */
export function createCriSource(options: CriSourceOptions): Source {
  const { name, type, path, spool: limits } = options.config;
  const spooled = createSpooledLog({ ...options, name, limits });
  const { log, anomalies } = spooled;
  const copy = new Copy(options, spooled);
  return {
    name,
    type,
    origin: path,
    log,
    follow: (signal) => copy.run(signal),
    caughtUp: () => copy.caughtUp,
    status: () => ({ ...logStatus(name, type, path, log, anomalies), ...copy.health }),
  };
}

class Copy {
  caughtUp = false;
  readonly #options: CriSourceOptions;
  readonly #spooled: SpooledLog;
  readonly #space: SpoolSpace;
  readonly #raw: Log;
  readonly #file: PositionFile;
  readonly #copied = new Copied();
  #copiedOpen = false;
  #decoder = new CriDecoder();
  /** Bytes that come out of the decoder and stand in the spool already, from before a kill. */
  #skip = 0;
  #savedAt = 0;
  /** From the beginning: killed before anything was copied, it must not take what it had copied since for unknown. */
  #unsaved = true;
  #entered = '';

  constructor(options: CriSourceOptions, spooled: SpooledLog) {
    const { config, stateDirectory } = options;
    this.#options = options;
    this.#spooled = spooled;
    this.#space = new SpoolSpace(spooled, config.spool);
    this.#file = new PositionFile(join(stateDirectory, 'spool', config.name, 'position.json'));
    const files = new KubeletFiles(config.path, LOG_FILES);
    this.#raw = new Log({
      name: config.name,
      path: files.livePath,
      files,
      stateDirectory,
      pins: false,
      spool: false,
      retention: { maxBytes: config.retain.maxBytes, minFree: { bytes: 0 } },
      maxHeldFiles: maxHeldFiles(),
      // The names say to the second when kubelet rotated, and a line can go on behind that: they prove nothing.
      reference: () => null,
      anomaly: spooled.note,
    });
  }

  /** Of kubelet's files: the spool itself can always be read. */
  get health() {
    const { readable, words } = this.#raw;
    return { readable, words };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { spool, log } = this.#spooled;
    const resumed = await this.#load();
    await spool.open('continue');
    try {
      await this.#save();
      await log.refresh(true);
      this.#raw.register({ name: READER, remembered: (id) => this.#copied.remembered(id) }, []);
      await this.#raw.begin();
      if (!resumed) await this.#beginAt();
      await this.#follow(signal);
    } finally {
      // For the second time, where nothing failed: there is nothing left to do then.
      await spool.close();
      await this.#raw.close();
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { spool, log } = this.#spooled;
    const ended = new AbortController();
    const following = this.#raw.follow(AbortSignal.any([signal, ended.signal]), {
      activeMs: this.#options.activePollMs,
      idleMs: IDLE_POLL_MS,
      quietMs: QUIET_MS,
      wake: { wait: (ms, end) => this.#raw.pulse.wait(ms, end).then(() => false), disarm: () => undefined },
    });
    try {
      await this.#copy(signal);
    } finally {
      ended.abort();
      await following;
      await this.#save();
      await spool.close();
      this.#unsaved = true;
      await this.#save();
      await log.refresh(true);
    }
  }

  async #copy(signal: AbortSignal): Promise<void> {
    const cursor = new Cursor(this.#raw, this.#copied.forCursor(), { maxLineBytes: MAX_LINE_BYTES, enter: () => [] });
    while (!signal.aborted) {
      const piece = await this.#insist('the files of the container cannot be read', signal, () => cursor.next());
      if (piece === null) {
        this.caughtUp = this.#raw.searched || this.caughtUp;
        if (this.caughtUp) this.#spooled.log.pulse.beat();
        await this.#saveIfDue(signal);
        await this.#raw.pulse.wait(this.#unsaved ? SAVE_MS : IDLE_POLL_MS, signal);
      } else if (piece !== undefined) {
        await this.#take(piece, cursor, signal);
        await this.#saveIfDue(signal);
      }
    }
    await cursor.pause();
  }

  async #take(piece: Piece, cursor: Cursor, signal: AbortSignal): Promise<void> {
    const { note, log } = this.#spooled;
    switch (piece.kind) {
      case 'lines':
      case 'torn': {
        const { segment, bytes, start, end } = piece;
        if (this.#entered !== segment.id) this.#decoder.beginFile();
        this.#entered = segment.id;
        if (!(await this.#append(this.#decoder.decode(bytes, start, end), signal))) return;
        this.#reached(segment.id, cursor.markAt(bytes, end, piece.offset + end - start));
        return;
      }
      case 'end':
        this.#copied.ended(piece.segment.id, piece.length);
        this.#unsaved = true;
        if (await this.#saveNow(signal)) await this.#raw.settled(piece.segment, READER);
        return;
      case 'loss': {
        const { segment: _, ...loss } = piece.loss;
        log.reported.push(loss);
        log.pulse.beat();
        return;
      }
      case 'nul':
      case 'oversize':
        note(piece.kind, 'bytes that a container runtime does not write', {
          file: piece.segment.name,
          offset: piece.offset,
          bytes: piece.end - piece.offset,
        });
        return;
      case 'rewound':
        note('rewound', 'a file is not as it was read: it is copied again from an older mark', {
          file: piece.segment.name,
          from: piece.from,
          to: piece.to,
        });
        return;
      case 'unproven':
    }
  }

  #reached(id: string, mark: PlaceMark): void {
    this.#copied.reached(id, mark);
    this.#copiedOpen = this.#decoder.open;
    this.#unsaved = true;
  }

  /** False where the signal came before it was done. */
  async #append(decoded: Buffer, signal: AbortSignal): Promise<boolean> {
    const known = Math.min(this.#skip, decoded.length);
    this.#skip -= known;
    const rest = decoded.subarray(known);
    if (rest.length === 0) return true;
    const { spool, log } = this.#spooled;
    await this.#space.take(rest.length, signal);
    const words = 'the spool cannot be written: the files of the container wait';
    const done = await this.#insist(words, signal, async () => {
      if (spool.isDue) await this.#rotate();
      await spool.appendWhole(rest);
      if (this.#options.config.spool.fsync === 'each') await spool.sync();
      return true;
    });
    if (done === true) await log.refresh();
    return done === true;
  }

  /** The position names the live file of the spool: before and after, it is saved with nothing in between. */
  async #rotate(): Promise<void> {
    await this.#save();
    await this.#spooled.spool.rotate();
    await this.#spooled.log.refresh(true);
    this.#unsaved = true;
    await this.#save();
  }

  /** Where an earlier run stood; false where there was none. */
  async #load(): Promise<boolean> {
    const position = await this.#file.load();
    if (position === null) return false;
    if (typeof position === 'string') {
      this.#spooled.note('position', 'where the copy stood cannot be read: it begins anew', { reason: position });
      return true;
    }
    for (const [id, place] of position.places) this.#copied.set(id, place);
    this.#copiedOpen = position.open;
    this.#unsaved = true;
    this.#decoder = new CriDecoder(position.open);
    this.#skip = await this.#spooled.spool.appendedSince(position.spool);
    return true;
  }

  /** What `startAt` leaves out of a first run. */
  async #beginAt(): Promise<void> {
    for (const { segment, from } of await firstRun(this.#options.config.startAt, this.#raw.segments, Date.now())) {
      if (from === 0) continue;
      const offset = Number.isFinite(from) ? from : 0;
      this.#copied.set(segment.id, { offset, done: segment.closed, marks: [] });
      this.#unsaved = true;
      const words = 'startAt begins after it';
      this.#spooled.log.reported.push({ reason: 'not-taken', proof: 'certain', name: segment.name, words });
    }
  }

  async #saveIfDue(signal: AbortSignal): Promise<void> {
    if (this.#unsaved && performance.now() - this.#savedAt >= SAVE_MS) await this.#saveNow(signal);
  }

  async #saveNow(signal: AbortSignal): Promise<boolean> {
    const words = 'the position of the copy cannot be saved';
    return (await this.#insist(words, signal, () => this.#save().then(() => true))) ?? false;
  }

  /** Never while bytes that the spool has already are still to come: the position would be ahead of itself. */
  async #save(): Promise<void> {
    this.#savedAt = performance.now();
    if (this.#skip > 0 || !this.#unsaved) return;
    const { spool } = this.#spooled;
    this.#copied.forget(new Set(this.#raw.segments.map(({ id }) => id)));
    await spool.sync();
    await this.#file.save({ places: this.#copied.places, open: this.#copiedOpen, spool: spool.mark });
    this.#unsaved = false;
  }

  /** Tries until it succeeds; `undefined` where the signal came before. */
  async #insist<Result>(words: string, signal: AbortSignal, act: () => Promise<Result>): Promise<Result | undefined> {
    for (let told = false; !signal.aborted; told = true) {
      try {
        return await act();
      } catch (error) {
        if (!told) this.#spooled.note('unwritable', words, { reason: messageOf(error) });
        await sleep(RETRY_MS);
      }
    }
    return undefined;
  }
}
