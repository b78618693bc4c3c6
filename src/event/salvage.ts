import { JsonScanner } from './json.ts';

/** A part of a line that is no event as a whole. Pieces stand in order and cover the line without gaps. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly kind: 'event' | 'torn';
}

/** How every line of an API server begins (k8s.io/apiserver, audit/v1 Event as encoded by the log backend). */
const BEGINNING = Buffer.from('{"kind":"Event","apiVersion":"audit.k8s.io/v1"');

/**
 * Finds the whole events in a line that holds torn ones too: a full disk or a kill leaves an event without its end, and
 * the next one is glued to it, as often as it happens. `ended` says whether the line has its line feed.
 *
 * Users can put an object that looks like an event into a request body, where it stands as it is. It is never taken for
 * one, because an event is taken only where the writer began to write:
 *
 * - At the beginning of the line.
 * - Where the event before it stops being JSON. A torn event is valid up to the tear, and the glued one is wrong right
 *   there: at its brace, or at the `k` of `kind` if the tear is in a string, which the quote before it then closes. A
 *   look-alike in a body is valid where it stands, and in a string it cannot stand, as its quotes would be escaped.
 * - Where an object reaches from its brace exactly to the end of a line that has one. This finds what was glued where a
 *   value was due (`"user":{"kind":"Event"…`). The line feed is written with the last event of the line only, so the
 *   closing brace before it is that event's, and only one opening brace belongs to it.
 *
 * What is taken is followed directly by the end of the line or by the beginning of the next event. Where a value was due
 * and the glued event is itself followed by another, nothing tells it from a look-alike: it is torn. So is the last
 * piece of a line without an end (`ended` false) unless one of the first two rules holds for it.
 *
 * Takes time linear in the length of the line, whatever stands in it: no byte is scanned more than a few times.
 */
export function salvage(bytes: Buffer, start: number, end: number, ended: boolean): readonly Piece[] {
  const json = new JsonScanner();
  json.on(bytes, end);
  const pieces: Piece[] = [];
  let at = start;
  while (at < end) {
    const stop = json.value(at);
    const next = stop < 0 ? gluedAt(bytes, ~stop, end) : stop;
    const isEvent = stop >= 0 && beginsEvent(bytes, at, end);
    if (next > at && (stop < 0 || isEvent) && (next === end || beginsEvent(bytes, next, end))) {
      pieces.push({ start: at, end: next, kind: isEvent ? 'event' : 'torn' });
      at = next;
      continue;
    }
    const last = ended ? lastEvent(bytes, at, end, json) : end;
    pieces.push({ start: at, end: last, kind: 'torn' });
    if (last < end) pieces.push({ start: last, end, kind: 'event' });
    break;
  }
  return pieces;
}

function beginsEvent(bytes: Buffer, at: number, end: number): boolean {
  const until = at + BEGINNING.length;
  return at >= 0 && until <= end && bytes.compare(BEGINNING, 0, BEGINNING.length, at, until) === 0;
}

/** Where an event begins that makes the bytes before it stop being JSON at `wrong`; -1 where there is none. */
function gluedAt(bytes: Buffer, wrong: number, end: number): number {
  if (beginsEvent(bytes, wrong, end)) return wrong;
  return beginsEvent(bytes, wrong - 2, end) ? wrong - 2 : -1;
}

/**
 * Where the event begins that reaches exactly to `end`; `end` where there is none. There can be one only: inside of a
 * valid event, a beginning either opens an object that closes earlier, or stands in a string and ends it, which is
 * wrong two bytes on. So the search goes on where the last try stopped, and not at the next byte.
 */
function lastEvent(bytes: Buffer, start: number, end: number, json: JsonScanner): number {
  let at = start;
  for (;;) {
    const found = bytes.subarray(at, end).indexOf(BEGINNING);
    if (found === -1) return end;
    at += found;
    const stop = json.value(at);
    if (stop === end) return at;
    if (~stop === end) {
      const closed = json.lastClosed;
      return closed > at && beginsEvent(bytes, closed, end) && json.value(closed) === end ? closed : end;
    }
    at = stop < 0 ? Math.max(at + 1, ~stop - 2) : stop;
  }
}
