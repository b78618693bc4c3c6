import { readFileSync } from 'node:fs';
import { getRawAsset, isSea } from 'node:sea';
import { gunzipSync } from 'node:zlib';

/**
 * A recorded event of a real API server, prepared so that a copy of it can be stamped with an id and times of its own
 * without touching another byte.
 */
export interface RecordedEvent {
  /** The line, its newline included. */
  readonly line: Buffer;
  /** Where the 36 characters of the audit id stand. */
  readonly auditIdAt: number;
  /** Where the 27 characters of each time stand (`2026-11-23T04:33:58.812957Z`). */
  readonly receivedAt: number;
  readonly stageAt: number;
  /** From request to stage in the recording, in microseconds. */
  readonly tookMicros: number;
}

const AUDIT_ID = Buffer.from('"auditID":"');
// Both stand behind the bodies, in which the same names may occur: the last ones in the line are meant.
const RECEIVED = Buffer.from('"requestReceivedTimestamp":"');
const STAGE = Buffer.from('"stageTimestamp":"');
export const TIME_LENGTH = 27;

/** Reads the recorded events that the program carries with it: about 700 of every kind, 0.5 KB to 0.5 MB large. */
export function recordedEvents(file?: string): readonly RecordedEvent[] {
  const log = gunzipSync(file === undefined ? carried() : readFileSync(file));
  const events: RecordedEvent[] = [];
  for (let start = 0; start < log.length; ) {
    const end = log.indexOf(0x0a, start) + 1 || log.length;
    events.push(prepare(Buffer.from(log.subarray(start, end))));
    start = end;
  }
  return events;
}

/** Beside the program, or inside it where it is a standalone binary. */
function carried(): Buffer {
  return isSea()
    ? Buffer.from(getRawAsset('events.log.gz'))
    : readFileSync(new URL('./events.log.gz', import.meta.url));
}

/** Finds the places to stamp in one line of the log; throws where it is no event as the API server writes it. */
export function prepare(line: Buffer): RecordedEvent {
  const auditIdAt = line.indexOf(AUDIT_ID) + AUDIT_ID.length;
  const receivedAt = line.lastIndexOf(RECEIVED) + RECEIVED.length;
  const stageAt = line.lastIndexOf(STAGE) + STAGE.length;
  const complete =
    auditIdAt >= AUDIT_ID.length &&
    line[auditIdAt + 36] === 0x22 &&
    receivedAt >= RECEIVED.length &&
    line[receivedAt + TIME_LENGTH] === 0x22 &&
    stageAt >= STAGE.length &&
    line[stageAt + TIME_LENGTH] === 0x22;
  if (!complete) throw new TypeError(`not a recorded event: ${line.toString('latin1', 0, 120)}`);
  return { line, auditIdAt, receivedAt, stageAt, tookMicros: micros(line, stageAt) - micros(line, receivedAt) };
}

function micros(line: Buffer, at: number): number {
  const text = line.toString('latin1', at, at + TIME_LENGTH);
  return Date.parse(text) * 1000 + Number(text.slice(23, 26));
}

/** The time as the API server writes it, from microseconds since the epoch. */
export function timeText(epochMicros: number): string {
  const milliseconds = new Date(Math.floor(epochMicros / 1000)).toISOString().slice(0, -1);
  return `${milliseconds}${String(Math.floor(epochMicros % 1000)).padStart(3, '0')}Z`;
}
