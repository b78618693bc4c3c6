import { messageOf } from '../errors.ts';
import type { Event } from '../event/event.ts';
import type { Filter, Verdict } from '../filter/filter.ts';
import type { AlertStatus } from '../inspect/status.ts';
import type { Output, RawLine, SendResult } from '../output/output.ts';
import type { Batch, ItemWriter, Part } from '../pipeline/batch.ts';
import type { Deliverer } from './deliverer.ts';
import type { AlertJournal, AlertRecord, Unwritten } from './alert-journal.ts';
import { Engine, type Input } from './engine.ts';
import { FoundItems } from './found-items.ts';
import { foundIn } from './found-record.ts';
import type { Found } from './match.ts';
import { Matcher } from './matcher.ts';
import type { Addressed, Notification } from './notification.ts';
import type { Rule } from './rule.ts';
import type { Limits } from './rule-state.ts';
import { Silences } from './silences.ts';
import { recordsOf, restore } from './snapshot.ts';
import { statusOf } from './stage-status.ts';

export interface StageOptions {
  readonly source: string;
  /** All rules, those too that are not enabled. */
  readonly rules: readonly Rule[];
  readonly limits: Limits;
  /** Takes out of an event what must not be told: the redaction of the filters. */
  readonly redact: (event: Event) => Verdict;
  /** A quick look at a name or an address: whether nothing in it would be taken out. */
  readonly isHarmless: (text: string) => boolean;
  readonly notes: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
  /** Wall clock, and one that is never set: ms. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Name of the pipeline, and of its state: no output may be called so. */
export const ALERTS = 'alerts';

const DROP: Verdict = { type: 'drop', rule: 0 };
const PASS: Verdict = { type: 'pass' };
const NO_NOTES: readonly Addressed[] = [];

/**
 * The alert rules as the end of a pipeline: as its filter they let through what a rule matches, as its output they move
 * the state of the rules by that. A batch is settled once its effects, and what is to be told because of it, are on
 * disk: so the cursor and the state of the rules move together, and nobody has to wait for a receiver.
 */
export class AlertStage implements Filter, Output {
  readonly name = ALERTS;
  readonly type = ALERTS;
  readonly destination = 'alert rules';
  readonly idempotent = true;
  readonly maxBatchBytes = 1024 * 1024;
  readonly hash = ALERTS;
  readonly rules = ['no-alert'];
  /** Somebody may have to be told of what was found. */
  hurries = false;
  readonly #options: StageOptions;
  readonly #engine: Engine;
  readonly #silences: Silences;
  #matcher: Matcher;
  #all: readonly Rule[];
  #deliverers: readonly Deliverer[] = [];
  #journal: AlertJournal | null = null;
  #unwritten: Unwritten[] = [];
  #writing: Promise<unknown> = Promise.resolve();
  #restored: Addressed[] = [];
  #pastFailures = 0;
  #loadedAt: string;
  #words = '';
  /** What was found in the event of the last `judge`, if nobody is to be told of that. */
  #quiet: Found | null = null;
  readonly #items = new FoundItems();

  constructor(options: StageOptions) {
    this.#options = options;
    this.#engine = new Engine({ source: options.source, limits: options.limits });
    this.#engine.use(options.rules);
    this.#matcher = new Matcher(options.rules, this.#engine);
    this.#all = options.rules;
    this.#silences = new Silences(this.#engine);
    this.#loadedAt = new Date(options.now()).toISOString();
  }

  // ---- beginning and changing

  /** Takes one record of the journal, in order, before anything else is done. */
  restore(record: unknown): void {
    const read = record as AlertRecord;
    switch (read.t) {
      case 'input':
        this.#engine.apply(read.input);
        this.#restored.push(...read.notes);
        return;
      case 'found':
        this.#engine.apply({ type: 'found', found: foundIn(read) });
        this.#restored.push(...read.notes);
        return;
      case 'pending':
        this.#restored.push(read.note);
        return;
      case 'told':
        this.#restored = this.#restored.flatMap(({ to, notification }) => {
          const left = notification.id === read.n ? to.filter((name) => name !== read.r) : to;
          return left.length === 0 ? [] : [{ to: left, notification }];
        });
        return;
      default:
        restore(this.#engine, read);
    }
  }

  /** Begins to work behind the event of that time, the last that was read: what was to be told when the agent ended is told. */
  begin(journal: AlertJournal, deliverers: readonly Deliverer[], lastReadMs: number | null): void {
    this.#journal = journal;
    this.#deliverers = deliverers;
    this.#engine.foreign.clear();
    for (const state of this.#engine.states.values()) state.beginRun();
    if (lastReadMs !== null) this.#engine.watch.resume(lastReadMs);
    this.#silences.begin(this.#options.monotonic());
    for (const addressed of this.#restored) this.#dispatch(addressed);
    this.#restored = [];
  }

  /** Takes other rules from the next event on. What those of the same name remember stays. */
  use(rules: readonly Rule[]): void {
    this.#pastFailures += this.#matcher.failures;
    this.#engine.use(rules);
    this.#matcher = new Matcher(rules, this.#engine);
    this.#all = rules;
    this.#loadedAt = new Date(this.#options.now()).toISOString();
    this.#words = '';
  }

  /** The files of the rules are not usable now: those from before stay at work. */
  unusable(words: string): void {
    this.#words = words;
  }

  // ---- as the filter

  judge(event: Event): Verdict {
    if (!this.#matcher.judge(event)) return DROP;
    this.#quiet = this.#matcher.quietlyFound(event, event, this.#options.isHarmless);
    return this.#quiet === null ? this.#options.redact(event) : PASS;
  }

  failures(): number {
    return this.#pastFailures + this.#matcher.failures;
  }

  // ---- as the output

  encode(event: Event, line: RawLine, item: ItemWriter): null {
    const found = this.#quiet ?? this.#matcher.found(event, line);
    this.#engine.expect(found);
    if (found.facts !== null) this.hurries = true;
    this.#items.put(found, item);
    return null;
  }

  eventBytes(batch: Batch, item: number): Buffer {
    return this.#items.bytesOf(batch, item);
  }

  async send({ batch, items }: Part): Promise<SendResult> {
    this.hurries = false;
    // The trail can wait, memory cannot: whoever makes many alerts must not bring the agent down with them.
    const full = this.#deliverers.find(({ isFull }) => isFull);
    if (full !== undefined) {
      return held(items, 'receiver-full', `as many notifications as may be wait for the receiver ${full.name}`);
    }
    const found: Found[] = [];
    const fresh: number[] = [];
    for (const item of items) {
      const one = this.#items.of(batch, item);
      // Sent again because it could not be written, the events are known already, and only the writing is left.
      if (this.#engine.occurrences.peek(one.occurrence) !== undefined) continue;
      found.push(one);
      fresh.push(item);
    }
    try {
      if (found.length > 0) {
        const notes = this.#apply({ type: 'found', found });
        this.#unwritten.push({ record: this.#items.recordOf(batch, fresh, notes), notes });
      }
      await this.#write();
    } catch (error) {
      return held(items, 'state-unwritable', `the state of the alert rules cannot be written: ${messageOf(error)}`);
    }
    return { rejected: [], again: [], duplicates: items.length - found.length };
  }

  async probe(): Promise<readonly never[]> {
    return [];
  }

  async close(): Promise<void> {
    await this.#writing;
    await Promise.all(this.#deliverers.map((deliverer) => deliverer.close()));
    await this.#journal?.close();
  }

  // ---- time

  /** Lets time pass: once a second. `caughtUp` where all of the trail has been read, so that the clock counts. */
  async tick(caughtUp: boolean): Promise<void> {
    const { now, monotonic } = this.#options;
    const { watch } = this.#engine;
    const { silent, heard } = this.#silences.look(monotonic(), now(), caughtUp);
    const nowMs = caughtUp ? Math.max(now(), watch.lastMs) : watch.lastMs;
    if (silent.length > 0 || heard.length > 0 || this.#engine.isDue(nowMs)) {
      const input: Input = { type: 'tick', nowMs, silent, heard };
      const notes = this.#apply(input);
      this.#unwritten.push({ record: { t: 'input', input, notes }, notes });
    }
    try {
      if (this.#unwritten.length > 0) await this.#write();
    } catch (error) {
      this.#options.notes.warn('the state of the alert rules cannot be written', { words: messageOf(error) });
    }
  }

  /** Notes that a receiver has been told. */
  async settled(receiver: string, { id }: Notification): Promise<void> {
    const record: AlertRecord = { t: 'told', r: receiver, n: id };
    try {
      // At once: what dies between an answer and this is told again. Forced to disk with what comes next.
      this.#journal?.note(record);
      this.#unwritten.push({ record, notes: NO_NOTES });
      await this.#write();
    } catch (error) {
      const fields = { receiver, notification: id, words: messageOf(error) };
      this.#options.notes.warn('that a receiver was told cannot be written: a crash now would tell it again', fields);
    }
  }

  status(): AlertStatus {
    return {
      source: this.#options.source,
      ...statusOf(this.#engine, this.#all),
      receivers: this.#deliverers.map((deliverer) => deliverer.status()),
      loadedAt: this.#loadedAt,
      words: this.#words,
      failures: this.failures(),
    };
  }

  /** Gives what is to be told because of it, and whom. */
  #apply(input: Input): readonly Addressed[] {
    return this.#engine.apply(input).flatMap((notification): readonly Addressed[] => {
      const to = this.#deliverers.filter((deliverer) => deliverer.wants(notification)).map(({ name }) => name);
      return to.length === 0 ? [] : [{ to, notification }];
    });
  }

  /** Writes what has not been written, one writer at a time; then, and not before, receivers hear of it. */
  #write(): Promise<void> {
    const writing = this.#flush(this.#writing);
    // The failure belongs to whoever asked; the next writer only waits for the end.
    this.#writing = writing.catch(() => null);
    return writing;
  }

  async #flush(before: Promise<unknown>): Promise<void> {
    await before;
    const records = this.#unwritten;
    if (records.length === 0) return;
    this.#unwritten = [];
    try {
      await this.#journal?.append(records.map(({ record }) => record));
    } catch (error) {
      this.#unwritten = [...records, ...this.#unwritten];
      throw error;
    }
    for (const { notes } of records) for (const note of notes) this.#dispatch(note);
    // What has been applied and is not written yet must not be in the state without what is to be told of it.
    if (this.#journal?.isLong === true && this.#unwritten.length === 0) await this.#journal.replace(this.#snapshot());
  }

  #dispatch({ to, notification }: Addressed): void {
    for (const deliverer of this.#deliverers) if (to.includes(deliverer.name)) deliverer.offer(notification);
  }

  /** The whole state as it is now. */
  *#snapshot(): Generator<AlertRecord> {
    yield* recordsOf(this.#engine);
    for (const { name, pending } of this.#deliverers) {
      for (const notification of pending) yield { t: 'pending', note: { to: [name], notification } };
    }
  }
}

/** Nothing of it was taken, and all of it comes again. */
function held(items: readonly number[], reason: string, words: string): SendResult {
  return { rejected: [], again: [{ how: 'hold', items, status: 0, reason, words }], duplicates: 0 };
}
