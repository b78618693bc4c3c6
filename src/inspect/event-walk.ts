import type { Event, Malformed } from '../event/event.ts';
import { EventView } from '../event/event-view.ts';
import { salvage } from '../event/salvage.ts';
import type { Block } from './block.ts';

/** Where an event stands: the file, and the number of its line, from 1. */
export interface Where {
  readonly name: string;
  readonly line: number;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Why something that was recorded is no event. */
export type NotEvent = Malformed | 'torn' | 'too-long' | 'unreadable';

export interface Aside {
  readonly reason: NotEvent;
  readonly count: number;
  readonly bytes: number;
}

/** Shows the events of blocks one after the other, each through the same view, and counts what is none. */
export class EventWalk {
  events = 0;
  /** Bytes of the events, without their line ends. */
  bytes = 0;
  /** Sentences about files that could not be read to their end. */
  readonly unreadable: string[] = [];
  readonly #view = new EventView();
  readonly #asides = new Map<NotEvent, { count: number; bytes: number }>();
  #name = '';
  #line = 0;

  /** What was recorded and is no event, by the reason. */
  get asides(): readonly Aside[] {
    return [...this.#asides].map(([reason, counts]) => ({ reason, ...counts }));
  }

  /** `visit` is called for each event; what the event says holds until it returns. */
  walk(block: Block, visit: (event: Event, where: Where) => void): void {
    if (block.name !== this.#name) {
      this.#name = block.name;
      this.#line = 0;
    }
    if (block.type === 'unreadable') {
      this.unreadable.push(`${block.name}: ${block.words}`);
      return;
    }
    if (block.type === 'too-long') {
      this.#line += 1;
      this.#aside('too-long', block.bytes);
      return;
    }
    const { bytes } = block;
    for (let start = block.start; start < block.end; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const ended = newline !== -1 && newline < block.end;
      const end = ended ? newline : block.end;
      this.#line += 1;
      this.#lineAt(bytes, start, end, ended, visit);
      start = end + 1;
    }
  }

  #lineAt(bytes: Buffer, from: number, to: number, ended: boolean, visit: (event: Event, where: Where) => void): void {
    let start = from;
    // What was truncated under its writer begins with NULs.
    while (start < to && bytes[start] === 0) start += 1;
    if (start === to || (start + 1 === to && bytes[start] === CARRIAGE_RETURN)) return;
    const malformed = this.#view.read(bytes, start, to);
    if (malformed === null) {
      this.#show(visit);
      return;
    }
    const pieces = salvage(bytes, start, to, ended);
    for (const piece of pieces) {
      const why = piece.kind === 'event' ? this.#view.read(bytes, piece.start, piece.end) : malformed;
      if (why === null) this.#show(visit);
      else this.#aside(pieces.length > 1 ? 'torn' : why, piece.end - piece.start);
    }
  }

  #show(visit: (event: Event, where: Where) => void): void {
    this.events += 1;
    this.bytes += this.#view.end - this.#view.start;
    visit(this.#view, { name: this.#name, line: this.#line });
  }

  #aside(reason: NotEvent, bytes: number): void {
    const counts = this.#asides.get(reason) ?? { count: 0, bytes: 0 };
    this.#asides.set(reason, { count: counts.count + 1, bytes: counts.bytes + bytes });
  }
}
