import type { Place } from '../log/cursor.ts';
import type { Log } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import type { Checkpoint } from '../state/checkpoint.ts';
import type { PipelineNotes } from './notes.ts';
import type { Progress } from './progress.ts';
import type { Recut } from './recut.ts';
import type { Sealed } from './sealed.ts';
import { type Cut, cutOf } from './window.ts';

/** Where to begin in each segment on a first run; from what is in none of them on, everything is read. */
export type FirstRun = (
  segments: readonly Segment[],
) => Promise<readonly { readonly segment: Segment; readonly from: number }[]>;

export interface BeginningOptions {
  readonly log: Log;
  readonly resume: Checkpoint | null;
  /** What to begin with on a first run. */
  readonly firstRun: FirstRun;
  /** Whether nothing more will come. */
  readonly ending: () => boolean;
  readonly notes: PipelineNotes;
  readonly progress: Progress;
  /** Where the cursor will begin, by segment. */
  readonly places: Map<string, Place>;
  /** Resolves when there is room for one more batch, or the signal is aborted. */
  readonly room: (signal: AbortSignal) => Promise<void>;
  /** Cuts a range once more; null where its segment is gone. */
  readonly cut: (cut: Cut, signal: AbortSignal) => Promise<Recut | null>;
  readonly ship: (sealed: Sealed, cut: Cut, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 1000;

/** What a pipeline has to do before it reads on: leave out what a first run is to leave out, or send again what was in flight. */
export class Beginning {
  readonly #options: BeginningOptions;

  constructor(options: BeginningOptions) {
    this.#options = options;
  }

  /** Ends early with `end`; rejects with the reason of `stop`. */
  async begin(end: AbortSignal, stop: AbortSignal): Promise<void> {
    const { resume, progress } = this.#options;
    if (resume === null) {
      await this.#firstRun(stop);
      return;
    }
    await this.#loseVanished(end, stop);
    for (const cut of progress.window.cuts) {
      if (end.aborted) return;
      if (!cut.settled && progress.window.cuts.includes(cut)) await this.#sendAgain(cut, end, stop);
    }
  }

  /** What `startAt` leaves out stands in the ledger before anything is read. */
  async #firstRun(stop: AbortSignal): Promise<void> {
    const { log, firstRun, progress, places } = this.#options;
    let left = false;
    for (const { segment, from } of await firstRun(log.segments)) {
      if (from === 0) continue;
      left = true;
      const { id, name, closed } = segment;
      const offset = Number.isFinite(from) ? from : 0;
      const to = offset === 0 ? {} : { to: offset };
      const words = 'startAt begins after it';
      await progress.lose({ reason: 'not-taken', proof: 'certain', segment: id, name, from: 0, ...to, words }, stop);
      places.set(id, { offset, done: closed, marks: [] });
      if (closed) progress.window.finish(id, name, offset);
      else progress.window.begin(id, name, offset);
      if (closed) await progress.release(segment);
    }
    // Started again before anything was settled, it must not begin elsewhere.
    if (left) await progress.save();
  }

  /** Of segments that are gone, what was in flight is lost; what had not been read of them, the cursor tells once the log is searched. */
  async #loseVanished(end: AbortSignal, stop: AbortSignal): Promise<void> {
    const { log, ending, progress } = this.#options;
    const { window } = progress;
    const present = () => new Set(log.segments.filter(({ gone }) => gone === null).map(({ id }) => id));
    const lacks = (ids: ReadonlySet<string>) =>
      window.cuts.some(({ range }) => !ids.has(range.segment)) ||
      // Of what was not in flight the cursor tells once the log is searched; only where the end comes first is that waited for.
      (ending() && window.records.some(({ id, done }) => !done && !ids.has(id)));
    for (let looks = 0; lacks(present()) && !log.searched; looks += 1) {
      if (looks > 0) await log.pulse.wait(LOOK_MS, end);
      if (end.aborted || (!log.readable && ending())) return;
      await log.refresh(true);
    }
    const ids = present();
    for (const cut of window.cuts.filter(({ range }) => !ids.has(range.segment))) {
      // What is settled behind one that is lost has gone with it.
      if (!window.cuts.includes(cut)) continue;
      if (cut.settled) window.replace(cut, []);
      else await this.#loseCut(cut, stop);
    }
  }

  async #loseCut(cut: Cut, stop: AbortSignal): Promise<void> {
    const { range, name } = cut;
    const { progress } = this.#options;
    const words = 'it was being sent when the agent ended, and its file is gone: it may have arrived';
    await progress.lose({ reason: 'deleted', proof: 'suspected', ...range, name, words }, stop);
    progress.window.replace(cut, []);
  }

  /** Sends again what had been cut and not settled, in the same cut. */
  async #sendAgain(cut: Cut, end: AbortSignal, stop: AbortSignal): Promise<void> {
    const { progress, room, ship } = this.#options;
    await room(end);
    if (end.aborted) return;
    const again = await this.#options.cut(cut, stop);
    if (again === null) return this.#loseCut(cut, stop);
    const { range, name } = cut;
    const parts = again.batches.map(({ sealed, mark }) => ({ sealed, cut: cutOf(sealed, name, mark) }));
    // First what stands behind it: without it, what of that is settled would count as the end of what is.
    if (again.reached !== range.to) this.#readAnewFrom(cut, again.reached);
    progress.window.replace(
      cut,
      parts.map((part) => part.cut),
    );
    for (const part of parts) await ship(part.sealed, part.cut, stop);
  }

  /** The bytes of a cut are not those any more: what else had been cut behind that place is dropped, and read again. */
  #readAnewFrom(changed: Cut, offset: number): void {
    const { progress, places, notes } = this.#options;
    const { window } = progress;
    const { segment: id } = changed.range;
    const { name } = changed;
    for (const cut of window.cuts) {
      const isBehind = cut.range.segment === id && cut.range.from >= offset;
      if (isBehind && cut !== changed) window.replace(cut, []);
    }
    const marks = places.get(id)?.marks ?? [];
    places.set(id, { offset, done: false, marks: marks.filter((mark) => mark.offset <= offset) });
    notes.warn('the file is not as it was read: reading again from an older mark', { file: name, to: offset });
  }
}
