import type { ElasticsearchOutputConfig } from '../../config/schema.ts';
import { AuditailError } from '../../errors.ts';
import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';

const DEFAULT_INDEX = 'audit-{yyyy.MM.dd}';

/** The index or data stream that events go to; an index may be one a day, by the event's own time in UTC. */
export interface Target {
  readonly kind: 'index' | 'data stream';
  /** As it is configured, with its placeholder. */
  readonly pattern: string;
  /** Name for the day `year * 10000 + month * 100 + day`. */
  nameOn(day: number): string;
  /** Whether the name depends on the day at all. */
  readonly daily: boolean;
}

/** Throws `AUD_CONFIG` where both an index and a data stream are named, or a placeholder is not known. */
export function targetOf({ name, index, dataStream }: ElasticsearchOutputConfig): Target {
  if (index !== undefined && dataStream !== undefined) {
    throw new AuditailError('AUD_CONFIG', `outputs.${name}: takes an index or a dataStream, not both`);
  }
  const pattern = dataStream ?? index ?? DEFAULT_INDEX;
  const unknown = /[{}]/.test(pattern.replace(PLACEHOLDER, ''));
  if (unknown || (dataStream !== undefined && pattern.search(PLACEHOLDER) !== -1)) {
    throw new AuditailError(
      'AUD_CONFIG',
      `outputs.${name}: ${JSON.stringify(pattern)} has a placeholder that cannot be filled in`,
      {
        hint: 'An index may hold {yyyy.MM.dd} or another order of yyyy, MM and dd; a data stream is one fixed name.',
      },
    );
  }
  const daily = pattern.search(PLACEHOLDER) !== -1;
  return {
    kind: dataStream === undefined ? 'index' : 'data stream',
    pattern,
    daily,
    nameOn: (day) => fill(pattern, day),
  };
}

const PLACEHOLDER = /\{(?:yyyy|MM|dd|[._-])+\}/g;

/** The name with `*` for what depends on the day: what an index template matches. */
export function patternOf({ pattern }: Target): string {
  return pattern.replace(PLACEHOLDER, '*');
}

function fill(pattern: string, day: number): string {
  return pattern.replace(PLACEHOLDER, (braced) =>
    braced
      .slice(1, -1)
      .replace('yyyy', String(Math.floor(day / 10_000)).padStart(4, '0'))
      .replace('MM', String(Math.floor(day / 100) % 100).padStart(2, '0'))
      .replace('dd', String(day % 100).padStart(2, '0')),
  );
}

/** The slot that `Event.timeNs` and `timeText` speak of, or -1. */
export function timeSlot(event: Event): number {
  if (event.has(SLOT.stageTimestamp)) return SLOT.stageTimestamp;
  return event.has(SLOT.requestReceivedTimestamp) ? SLOT.requestReceivedTimestamp : -1;
}

/** The event's day in UTC as `year * 10000 + month * 100 + day`, read from the ten digits where they are plain to see. */
export function dayOf(event: Event, slot: number): number {
  const { bytes } = event;
  const at = event.valueStart(slot) + 1;
  const utc = bytes[event.valueEnd(slot) - 2] === 0x5a; // Z
  if (utc && bytes[at + 4] === 0x2d && bytes[at + 7] === 0x2d && bytes[at + 10] === 0x54) {
    const day = digits(bytes, at, 4) * 10_000 + digits(bytes, at + 5, 2) * 100 + digits(bytes, at + 8, 2);
    if (day >= 0) return day;
  }
  const date = new Date(Number(event.timeNs() / 1_000_000n));
  return date.getUTCFullYear() * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
}

/** A number of so many digits; far below zero where one of them is none. */
function digits(bytes: Buffer, at: number, count: number): number {
  let number = 0;
  for (let i = at; i < at + count; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1e12;
    number = number * 10 + digit;
  }
  return number;
}
