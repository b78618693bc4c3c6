import type { RecordedLog } from '../inspect/recorded-log.ts';
import { humanBytes, humanSeconds } from './human.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 200;
const BAR_WIDTH = 24;
const ERASE_LINE = '\r\u001b[K';

/** How much of the input is read: a bar on a terminal, nothing elsewhere. Call `show` as often as you like. */
export class InputProgress {
  readonly #terminal: Terminal;
  readonly #log: RecordedLog;
  readonly #startedMs = performance.now();
  #shownMs = performance.now();

  constructor(terminal: Terminal, log: RecordedLog) {
    this.#terminal = terminal;
    this.#log = log;
  }

  show(): void {
    const now = performance.now();
    if (!this.#terminal.isLive || now - this.#shownMs < REDRAW_MS) return;
    this.#shownMs = now;
    const line = readingLine(this.#log, (now - this.#startedMs) / 1000);
    this.#terminal.draw(`${ERASE_LINE}${line.slice(0, this.#terminal.columns - 1)}`);
  }

  end(): void {
    if (this.#terminal.isLive) this.#terminal.draw(ERASE_LINE);
  }
}

/** `[######------]  48 %  1.2 GiB of 2.5 GiB  900 MiB/s  2s left`; of a pipe nobody knows how much is to come. */
export function readingLine(
  { readBytes, totalBytes }: Pick<RecordedLog, 'readBytes' | 'totalBytes'>,
  seconds: number,
): string {
  const rate = seconds > 0 ? readBytes / seconds : 0;
  if (totalBytes === 0) return `${humanBytes(readBytes)}  ${humanBytes(rate)}/s`;
  const share = Math.min(1, readBytes / totalBytes);
  const filled = Math.floor(share * BAR_WIDTH);
  const left = rate > 0 ? `  ${humanSeconds(Math.max(0, totalBytes - readBytes) / rate)} left` : '';
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${percent}  ${humanBytes(readBytes)} of ${humanBytes(totalBytes)}  ${humanBytes(rate)}/s${left}`;
}
