import { hash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogNames } from '../../src/log/file-name.ts';
import type { ReadingOrder } from '../../src/config/schema.ts';
import type { Checkpoint } from '../../src/state/checkpoint.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { eventLine, idOf, KeptState, type Running, startPipeline } from './pipeline-harness.ts';
import { refuse, type Script, ScriptedOutput, STORED } from './scripted-output.ts';

/**
 * A writer that writes, tears, glues and rotates, a receiver that goes down, refuses, and stores without saying so, and
 * a pipeline that is killed, drained and started again, on real files. The model knows every event and where it ends;
 * of the pipeline's state it keeps what a checkpoint had been written with when it died.
 */
type Action =
  | { readonly type: 'write'; readonly events: number; readonly padding: number }
  | { readonly type: 'tear' | 'rotate' | 'kill' | 'drain' }
  | { readonly type: 'receiver'; readonly moods: readonly Mood[] }
  | { readonly type: 'run'; readonly milliseconds: number };

/** What the receiver does with a request; the list of moods is gone through again and again. */
type Mood = 'store' | 'store' | 'down' | 'busy' | 'reset' | 'lost-answer' | 'some-items' | 'reject-item' | 'hold';

const WHOLE: readonly Mood[] = ['store', 'store', 'store', 'down', 'busy', 'reset', 'lost-answer', 'hold'];
const PARTS: readonly Mood[] = [...WHOLE, 'some-items', 'reject-item'];

function actions(moods: readonly Mood[]): fc.Arbitrary<Action[]> {
  const write = fc.record({ events: fc.integer({ min: 1, max: 6 }), padding: fc.constantFrom(0, 0, 0, 900) });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: write.map((more): Action => ({ type: 'write', ...more })) },
      { weight: 1, arbitrary: fc.constant<Action>({ type: 'tear' }) },
      { weight: 2, arbitrary: fc.constant<Action>({ type: 'rotate' }) },
      { weight: 2, arbitrary: fc.constant<Action>({ type: 'kill' }) },
      { weight: 1, arbitrary: fc.constant<Action>({ type: 'drain' }) },
      {
        weight: 3,
        arbitrary: fc
          .array(fc.constantFrom(...moods), { minLength: 1, maxLength: 4 })
          .map((some): Action => ({ type: 'receiver', moods: some })),
      },
      {
        weight: 5,
        arbitrary: fc.integer({ min: 0, max: 6 }).map((milliseconds): Action => ({ type: 'run', milliseconds })),
      },
    ),
    { minLength: 4, maxLength: 40 },
  );
}

interface ModelFile {
  id: string;
  bytes: number;
  /** Whole events, and where the line of each ends. */
  readonly events: { readonly id: string; readonly end: number }[];
}

class ModelWriter {
  readonly path: string;
  readonly files: ModelFile[] = [{ id: '', bytes: 0, events: [] }];
  readonly #names: LogNames;
  #timeMs = Date.UTC(2026, 10, 23);
  #lastBackupMs = 0;
  #next = 0;
  #firstLine = '';

  constructor(directory: string) {
    mkdirSync(directory);
    this.path = join(directory, 'audit.log');
    this.#names = new LogNames(this.path);
    appendFileSync(this.path, '');
  }

  get live(): ModelFile {
    return this.files[this.files.length - 1] as ModelFile;
  }

  write(events: number, padding: number): void {
    for (let count = 0; count < events; count += 1) {
      this.#timeMs += 1000;
      const id = `e${this.#next++}`;
      this.#append(eventLine(id, this.#timeMs, padding));
      this.live.events.push({ id, end: this.live.bytes });
    }
  }

  /** Half of an event; the next one is glued to it. */
  tear(): void {
    this.#append(eventLine(`torn${this.#next++}`, this.#timeMs, 30).slice(0, -40));
  }

  rotate(): void {
    if (this.live.bytes === 0) return;
    // Without a single line end, what there is counts as its first line.
    if (this.live.id === '') this.live.id = identityOf(this.#firstLine);
    // The name says when the next event is made; a second rotation waits for the next millisecond.
    this.#lastBackupMs = Math.max(this.#timeMs + 1000, this.#lastBackupMs + 1);
    this.#timeMs = this.#lastBackupMs - 1000;
    renameSync(this.path, this.#names.path(this.#names.backup(this.#lastBackupMs)));
    appendFileSync(this.path, '');
    this.files.push({ id: '', bytes: 0, events: [] });
    this.#firstLine = '';
  }

  #append(text: string): void {
    appendFileSync(this.path, text);
    this.live.bytes += Buffer.byteLength(text);
    if (this.live.id !== '') return;
    this.#firstLine += text;
    const end = this.#firstLine.indexOf('\n');
    if (end !== -1) this.live.id = identityOf(this.#firstLine.slice(0, end));
  }
}

function identityOf(firstLine: string): string {
  return hash('sha256', firstLine, 'hex').slice(0, 32);
}

interface Way {
  readonly maxInFlight: number;
  readonly idempotent: boolean;
  readonly order: ReadingOrder;
}

class World {
  readonly writer: ModelWriter;
  readonly state = new KeptState();
  readonly output: ScriptedOutput;
  readonly #maxInFlight: number;
  readonly #order: ReadingOrder;
  /** Of each stored copy of an event: whether its sender may not have known that it was stored. */
  readonly copies = new Map<string, { unsure: boolean; segment: string; to: number }[]>();
  readonly order: string[] = [];
  /** What must never be so and was; thrown inside of the state, the pipeline would take it for a full disk. */
  readonly breaches: string[] = [];
  #moods: readonly Mood[] = ['store'];
  #mood = 0;
  #running: Running | null = null;

  constructor(directory: string, { maxInFlight, idempotent, order }: Way) {
    this.writer = new ModelWriter(join(directory, 'log'));
    this.output = new ScriptedOutput(this.#script, { idempotent });
    this.#maxInFlight = maxInFlight;
    this.#order = order;
    this.state.before = () => this.#checkCheckpoint(this.state.checkpoint);
  }

  async act(action: Action): Promise<void> {
    if (action.type === 'write') this.writer.write(action.events, action.padding);
    else if (action.type === 'tear') this.writer.tear();
    else if (action.type === 'rotate') {
      // Two rotations while nobody looks are the log's own matter; here every file is seen while it is live.
      await this.#running?.log.refresh(true);
      this.writer.rotate();
    } else if (action.type === 'receiver') this.#moods = action.moods;
    else if (action.type === 'run') await this.#run(action.milliseconds);
    else if (action.type === 'kill') await this.#kill();
    else await this.#drain();
  }

  async finish(): Promise<void> {
    this.#moods = ['store'];
    this.writer.write(1, 0);
    await this.#kill();
    const running = await this.#start();
    await running.finish();
    this.#checkCheckpoint(this.state.checkpoint);
  }

  async #run(milliseconds: number): Promise<void> {
    this.#running ??= await this.#start();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  #start(): Promise<Running> {
    return startPipeline({
      path: this.writer.path,
      output: this.output,
      state: this.state,
      order: this.#order,
      batch: { maxEvents: 3, maxBytes: 2000, maxDelay: 1, maxInFlight: this.#maxInFlight },
    });
  }

  async #kill(): Promise<void> {
    if (this.#running === null) return;
    const running = this.#running;
    this.#running = null;
    const killed = running.kill();
    this.#unsure();
    await killed;
  }

  async #drain(): Promise<void> {
    if (this.#running === null) return;
    const running = this.#running;
    this.#running = null;
    running.drain.abort();
    setTimeout(() => running.stop.abort(new Error('stopped')), 5);
    await running.ended;
    this.#unsure();
  }

  /** What the checkpoint does not call settled may be sent again. */
  #unsure(): void {
    for (const copies of this.copies.values()) {
      for (const copy of copies) copy.unsure ||= !isSettled(this.state.checkpoint, copy.segment, copy.to);
    }
  }

  readonly #script: Script = (lines, _request, part) => {
    const mood = this.#moods[this.#mood++ % this.#moods.length] as Mood;
    const { segment, to } = part.batch.range;
    const store = (line: string, unsure: boolean) => {
      const id = idOf(line);
      const copies = this.copies.get(id) ?? [];
      if (copies.length === 0) this.order.push(id);
      copies.push({ unsure, segment, to });
      this.copies.set(id, copies);
    };
    const { items } = part;
    const last = items.length - 1;
    switch (mood) {
      case 'down':
        return refuse(part, 'retry', 0, 'refused');
      case 'busy':
        return refuse(part, 'retry', 503);
      case 'reset':
        return refuse(part, 'retry', 0, 'reset');
      case 'hold':
        return refuse(part, 'hold', 401);
      case 'lost-answer':
        for (const line of lines) store(line, true);
        return refuse(part, 'retry', 0, 'timeout');
      case 'some-items':
        for (const line of lines.slice(0, last)) store(line, false);
        return { again: [{ how: 'retry', items: items.slice(last), status: 429, reason: 'busy', words: '' }] };
      case 'reject-item':
        for (const line of lines.slice(0, last)) store(line, false);
        return {
          rejected: [{ item: items[last] as number, status: 400, reason: 'bad', words: '', outcome: 'deadLettered' }],
        };
      case 'store':
        for (const line of lines) store(line, false);
        return STORED;
    }
  };

  /** No cursor may be ahead of a settlement: each event before it is stored, or stands in the dead letter. */
  #checkCheckpoint(checkpoint: Checkpoint | null): void {
    const lettered = this.lettered();
    for (const { id, settled } of checkpoint?.segments ?? []) {
      const file = this.writer.files.find((one) => one.id === id);
      if (file === undefined) this.breaches.push(`the checkpoint knows a segment ${id} that was never written`);
      for (const event of file?.events ?? []) {
        if (event.end > settled) break;
        const known = this.copies.has(event.id) || lettered.has(event.id);
        if (!known) this.breaches.push(`the cursor at ${settled} is ahead of ${event.id}`);
      }
    }
  }

  lettered(): Set<string> {
    return new Set([...this.state.letters.values()].map(({ bytes }) => idOf(bytes.toString())));
  }
}

function isSettled(checkpoint: Checkpoint | null, segment: string, to: number): boolean {
  if (checkpoint === null) return false;
  if ((checkpoint.segments.find(({ id }) => id === segment)?.settled ?? 0) >= to) return true;
  return checkpoint.window.some((range) => range.segment === segment && range.to === to && range.settled);
}

async function checkRun(steps: readonly Action[], way: Way): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-model-'));
  try {
    const world = new World(directory, way);
    for (const step of steps) await world.act(step);
    await world.finish();
    const { files } = world.writer;
    const lettered = world.lettered();
    const events = files.flatMap((file) => file.events.map(({ id }) => id));
    expect(world.breaches).toEqual([]);
    const missing = events.filter((id) => !world.copies.has(id) && !lettered.has(id));
    expect(missing, 'missing').toEqual([]);
    for (const [id, copies] of world.copies) {
      expect(
        copies.slice(0, -1).every(({ unsure }) => unsure),
        `${id} was sent again though it was settled`,
      ).toBe(true);
    }
    if (way.maxInFlight === 1 && way.order === 'oldest-first')
      expect(world.order).toEqual(events.filter((id) => world.copies.has(id)));
    const totals = world.state.checkpoint?.totals ?? expect.fail('no checkpoint');
    expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
    expect(totals.readBytes + totals.skippedBytes).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(world.state.checkpoint?.window).toEqual([]);
    expect(world.state.losses).toEqual([]);
    for (const { bytes, counts } of world.state.ledger) expect(counts.readBytes + counts.skippedBytes).toBe(bytes);
  } finally {
    rmSync(directory, { recursive: true, maxRetries: 3 });
  }
}

/** Files that wait when the pipeline is started first. */
const BACKLOG: readonly Action[] = Array.from({ length: 4 }, (): Action[] => [
  { type: 'write', events: 8, padding: 0 },
  { type: 'rotate' },
]).flat();

describe('a pipeline amid outages, refusals, rotations and kills', () => {
  it('delivers everything in order, one batch at a time, and again only what was in flight', async () => {
    await fc.assert(
      fc.asyncProperty(actions(WHOLE), fc.boolean(), (steps, idempotent) =>
        checkRun(steps, { maxInFlight: 1, idempotent, order: 'oldest-first' }),
      ),
      { numRuns: 60, seed: 20_261_123, endOnFailure: true },
    );
  });

  it('delivers or sets aside everything with three batches in flight and items refused one by one', async () => {
    await fc.assert(
      fc.asyncProperty(actions(PARTS), fc.boolean(), (steps, idempotent) =>
        checkRun(steps, { maxInFlight: 3, idempotent, order: 'oldest-first' }),
      ),
      { numRuns: 60, seed: 1123, endOnFailure: true },
    );
  });

  it('delivers or sets aside everything where the live file is read first', async () => {
    await fc.assert(
      fc.asyncProperty(actions(PARTS), fc.boolean(), fc.integer({ min: 1, max: 3 }), (steps, idempotent, maxInFlight) =>
        checkRun([...BACKLOG, ...steps], { maxInFlight, idempotent, order: 'live-first' }),
      ),
      { numRuns: 60, seed: 20_261_124, endOnFailure: true },
    );
  });
});
