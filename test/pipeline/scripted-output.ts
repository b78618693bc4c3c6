import type { Event } from '../../src/event/event.ts';
import type { Again, Output, RawLine, Reduced, Refusal, Rejection, SendResult } from '../../src/output/output.ts';
import type { Batch, ItemWriter, Part } from '../../src/pipeline/batch.ts';

/** What a receiver does with one request: the events in it, and how many requests there were before. */
export type Script = (lines: readonly string[], request: number, part: Part) => Answer | Promise<Answer>;

export interface Answer {
  readonly rejected?: readonly Rejection[];
  readonly again?: readonly Again[];
  readonly duplicates?: number;
}

export const STORED: Answer = {};

/** Refuses the whole request. */
export function refuse(
  part: Part,
  how: Again['how'],
  status: number,
  reason = `http-${status}`,
  more: Partial<Again> = {},
): Answer {
  return { again: [{ how, items: part.items, status, reason, words: `said ${reason}`, ...more }] };
}

/** An output that writes events as they are, and a receiver behind it that does what a script says. */
export class ScriptedOutput implements Output {
  readonly name: string = 'scripted';
  readonly type: string = 'scripted';
  readonly destination: string = 'test:';
  readonly idempotent: boolean;
  readonly maxBatchBytes: number;
  /** Every event that was stored, in the order in which it was, copies included. */
  readonly stored: string[] = [];
  /** The items of each request. */
  readonly requests: (readonly number[])[] = [];
  /** Keys and ranges of the batches sent, one a request. */
  readonly sent: { key: string; from: number; to: number; segment: string; body: string }[] = [];
  script: Script;
  refusal: (event: Event) => Refusal | Reduced | null = () => null;

  constructor(
    script: Script = () => STORED,
    options: { idempotent?: boolean; maxBatchBytes?: number; name?: string } = {},
  ) {
    this.script = script;
    this.idempotent = options.idempotent ?? true;
    this.maxBatchBytes = options.maxBatchBytes ?? Number.MAX_SAFE_INTEGER;
    this.name = options.name ?? 'scripted';
  }

  encode(event: Event, _line: RawLine, item: ItemWriter): Refusal | Reduced | null {
    item.event(event.bytes, event.start, event.end);
    item.byte(10);
    return this.refusal(event);
  }

  eventBytes(batch: Batch, item: number): Buffer {
    return Buffer.from(batch.bytes.subarray(batch.eventStart(item), batch.eventEnd(item)));
  }

  async send(part: Part, signal: AbortSignal): Promise<SendResult> {
    const lines = part.items.map((item) => this.eventBytes(part.batch, item).toString());
    this.requests.push(part.items);
    const { key, range } = part.batch;
    this.sent.push({ key, ...range, body: lines.join('\n') });
    if (signal.aborted) return refused(part.items, 'aborted');
    const { rejected = [], again = [], duplicates = 0 } = await this.script(lines, this.requests.length - 1, part);
    const kept = new Set([...rejected.map(({ item }) => item), ...again.flatMap(({ items }) => items)]);
    for (const [at, item] of part.items.entries()) if (!kept.has(item)) this.stored.push(lines[at] as string);
    return { rejected, again, duplicates };
  }

  async probe(): Promise<readonly never[]> {
    return [];
  }

  async close(): Promise<void> {}
}

function refused(items: readonly number[], reason: string): SendResult {
  return { rejected: [], again: [{ how: 'retry', items, status: 0, reason, words: reason }], duplicates: 0 };
}
