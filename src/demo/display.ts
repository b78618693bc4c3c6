/** Where the demo shows what it does: a terminal, or a pipe or file. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** The lines that stand at the bottom of a terminal and are drawn again and again, and one line that says it all. */
export interface Picture {
  live(): readonly string[];
  summary(): string;
}

const REDRAW_MS = 100;
const SUMMARY_MS = 2000;

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const CLEAR_BELOW = '\u001B[0J';

/**
 * Prints lines that stay; on a terminal a live picture stands below them, elsewhere its summary is printed every two
 * seconds. `close` leaves the terminal as it was.
 */
export class Display {
  readonly #screen: Screen;
  readonly #picture: Picture;
  readonly #timer: NodeJS.Timeout;
  readonly #begin = performance.now();
  #drawn = 0;
  #closed = false;

  constructor(screen: Screen, picture: Picture) {
    this.#screen = screen;
    this.#picture = picture;
    if (this.#live) screen.write(HIDE_CURSOR);
    this.#timer = setInterval(
      () => (this.#live ? this.#draw() : this.say(picture.summary())),
      this.#live ? REDRAW_MS : SUMMARY_MS,
    );
  }

  /** Prints a line with the seconds since the beginning in front. */
  say(line: string): void {
    const seconds = ((performance.now() - this.#begin) / 1000).toFixed(1);
    this.print(`${seconds.padStart(6)} s  ${line}`);
  }

  print(text: string): void {
    this.#erase();
    this.#screen.write(`${text}\n`);
    if (this.#live) this.#draw();
  }

  /** Ends the live picture, whose last state stays above what is printed from now on. */
  close(): void {
    if (this.#closed) return;
    clearInterval(this.#timer);
    if (this.#live) {
      this.#draw();
      this.#screen.write(SHOW_CURSOR);
    }
    this.#drawn = 0;
    this.#closed = true;
  }

  get #live(): boolean {
    return this.#screen.isTTY === true && !this.#closed;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#screen.write(`\u001B[${this.#drawn}A${CLEAR_BELOW}`);
    this.#drawn = 0;
  }

  #draw(): void {
    const width = (this.#screen.columns ?? 80) - 1;
    const lines = this.#picture.live().map((line) => line.slice(0, width));
    const up = this.#drawn > 0 ? `\u001B[${this.#drawn}A` : '';
    this.#screen.write(`${up}${CLEAR_BELOW}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

/** `━━━━━━━──────` of a width, for a share from 0 to 1. */
export function bar(share: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.round(share * width)));
  return '━'.repeat(full) + '─'.repeat(width - full);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
