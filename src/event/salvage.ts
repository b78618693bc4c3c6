import { newSpans, scanEvent, skipValue } from './scan.ts';

/** A part of a line that is no event as a whole. Pieces stand in order and cover the line. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly kind: 'event' | 'torn';
}

/** How every line of an API server begins (k8s.io/apiserver, audit/v1 Event as encoded by the log backend). */
const BEGINNING = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/v1"');

/**
 * Finds the whole events in a line that holds torn ones too: a full disk or a kill leaves a line without its end, and
 * the next event is glued to it.
 *
 * An attacker may put an object that looks like an event into a request body, where it stands as it is. It is never
 * taken for an event: one is accepted only (a) at the trusted beginning of the line, followed directly by the beginning
 * of the next, or (b) as the very last thing of a line that has its end, reaching exactly to it. A look-alike in the body
 * of a whole event is followed by that event's own closing brace; one in a torn event is followed by what was glued
 * behind it, or is open where the tear is, and then never closed. In a last line without an end (b) does not hold, since
 * the tear may stand right behind a look-alike; so there (`ended` false) only (a) counts.
 *
 * Linear in the length of the line: when more than a few times its length has been scanned for beginnings that lead
 * nowhere, the rest is torn.
 */
export function salvage(bytes: Buffer, start: number, end: number, ended: boolean): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = start;
  while (at < end && startsEvent(bytes, at)) {
    const stop = skipValue(bytes, at, end);
    if (stop < 0 || stop > end || (stop < end && !startsEvent(bytes, stop))) break;
    pieces.push({ start: at, end: stop, kind: 'event' });
    at = stop;
  }
  if (at === end) return pieces;
  const last = ended ? lastEvent(bytes, at, end) : -1;
  if (last === -1) return [...pieces, { start: at, end, kind: 'torn' }];
  if (last > at) pieces.push({ start: at, end: last, kind: 'torn' });
  return [...pieces, { start: last, end, kind: 'event' }];
}

/** The beginning of the object that looks like an event and reaches exactly to the end of the line, or -1. */
function lastEvent(bytes: Buffer, start: number, end: number): number {
  const spans = newSpans();
  let budget = (end - start) * 4 + 1024 * 1024;
  for (let at = bytes.indexOf(BEGINNING, start + 1); at !== -1 && at < end && budget > 0; at = bytes.indexOf(BEGINNING, at + 1)) {
    const stop = skipValue(bytes, at, end);
    if (stop === end && scanEvent(bytes, at, end, spans)) return at;
    budget -= (stop < 0 ? end : Math.min(stop, end)) - at;
  }
  return -1;
}

function startsEvent(bytes: Buffer, at: number): boolean {
  return bytes.compare(BEGINNING, 0, BEGINNING.length, at, Math.min(bytes.length, at + BEGINNING.length)) === 0;
}
