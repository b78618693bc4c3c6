import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import type { OpenedFilter } from './opened-filter.ts';
import { fateOf } from './opened-filter.ts';
import type { Ranked, Sum } from './tally.ts';
import { Tally } from './tally.ts';
import type { Slice } from './timeline.ts';
import { Timeline } from './timeline.ts';

/** What the events can be counted by. `rule`: what becomes of them under the filter. */
export const DIMENSIONS = [
  'rule',
  'level',
  'stage',
  'verb',
  'user',
  'resource',
  'namespace',
  'userAgent',
  'code',
] as const;

export type Dimension = (typeof DIMENSIONS)[number];

/** What events are counted as where nobody holds them back. */
export const DELIVERED = '(delivered)';

const VALUES: Readonly<Record<Exclude<Dimension, 'rule'>, (event: Event) => string>> = {
  level: (event) => event.text(SLOT.level),
  stage: (event) => event.text(SLOT.stage),
  verb: (event) => event.text(SLOT.verb),
  user: (event) => event.text(SLOT['user.username']),
  resource: resourceOf,
  namespace: (event) => event.text(SLOT['objectRef.namespace']),
  userAgent: (event) => event.text(SLOT.userAgent),
  code: (event) =>
    event.valueStart(SLOT['responseStatus.code']) === -1 ? '' : String(event.number(SLOT['responseStatus.code'])),
};

/** `pods/log`, `deployments.apps/scale`, as `kubectl auth can-i` names them; the empty string for other URLs. */
function resourceOf(event: Event): string {
  const resource = event.text(SLOT['objectRef.resource']);
  const group = event.text(SLOT['objectRef.apiGroup']);
  const subresource = event.text(SLOT['objectRef.subresource']);
  return `${resource}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}`;
}

export interface StatisticsOptions {
  readonly by: readonly Dimension[];
  /** The filter in use; undefined where everything is delivered. */
  readonly filter?: OpenedFilter;
  /** A filter that might be used instead. `delivered` is then what it lets through. */
  readonly whatIf?: OpenedFilter;
  /** Values told apart in each dimension at least. */
  readonly kept?: number;
}

export interface DimensionReport {
  readonly dimension: Dimension;
  readonly values: readonly Ranked[];
  /** All the others together. */
  readonly rest: Readonly<Sum>;
  readonly restValues: number;
  readonly exact: boolean;
}

/** What was counted. Bytes are those of the events, without line ends, before any compression. */
export interface StatisticsReport {
  readonly events: number;
  readonly bytes: number;
  /** What the filter in use delivers. */
  readonly delivered: { readonly events: number; readonly bytes: number };
  /** What the other one would deliver. */
  readonly whatIf?: { readonly events: number; readonly bytes: number };
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly dimensions: readonly DimensionReport[];
  readonly timeline: { readonly widthSeconds: number; readonly slices: readonly Slice[] };
}

const KEPT = 5000;

/** Counts events and their bytes by what stands in them. Memory is bounded whatever that is. */
export class Statistics {
  #events = 0;
  #bytes = 0;
  readonly #delivered = { events: 0, bytes: 0 };
  readonly #whatIf = { events: 0, bytes: 0 };
  readonly #timeline = new Timeline();
  readonly #tallies: readonly { readonly dimension: Dimension; readonly tally: Tally }[];
  readonly #options: StatisticsOptions;
  #fromSeconds = Number.POSITIVE_INFINITY;
  #toSeconds = Number.NEGATIVE_INFINITY;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#tallies = options.by.map((dimension) => ({ dimension, tally: new Tally(options.kept ?? KEPT) }));
  }

  add(event: Event): void {
    const { filter, whatIf } = this.#options;
    const bytes = event.end - event.start;
    const now = filter === undefined ? null : fateOf(filter, event);
    const then = whatIf === undefined ? now : fateOf(whatIf, event);
    const delivered = then?.bytes ?? bytes;
    this.#events += 1;
    this.#bytes += bytes;
    count(this.#delivered, now?.bytes ?? bytes);
    count(this.#whatIf, delivered);
    for (const { dimension, tally } of this.#tallies) {
      const value = dimension === 'rule' ? (then?.rule ?? DELIVERED) : VALUES[dimension](event);
      tally.add(value, bytes, delivered);
    }
    const seconds = Number(event.timeNs() / 1_000_000_000n);
    this.#fromSeconds = Math.min(this.#fromSeconds, seconds);
    this.#toSeconds = Math.max(this.#toSeconds, seconds);
    this.#timeline.add(seconds, bytes, delivered);
  }

  /** What has been counted so far, with so many values of each dimension. */
  report(top: number): StatisticsReport {
    const { widthSeconds } = this.#timeline;
    return {
      events: this.#events,
      bytes: this.#bytes,
      delivered: { ...this.#delivered },
      ...(this.#options.whatIf === undefined ? {} : { whatIf: { ...this.#whatIf } }),
      fromSeconds: this.#events === 0 ? 0 : this.#fromSeconds,
      toSeconds: this.#events === 0 ? 0 : this.#toSeconds,
      dimensions: this.#tallies.map(({ dimension, tally }) => ({ dimension, ...tally.top(top), exact: tally.exact })),
      timeline: { widthSeconds, slices: this.#timeline.slices() },
    };
  }
}

function count(into: { events: number; bytes: number }, bytes: number): void {
  if (bytes === 0) return;
  into.events += 1;
  into.bytes += bytes;
}
