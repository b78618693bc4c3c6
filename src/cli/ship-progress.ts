import type { AgentStatus, PipelineStatus } from '../inspect/status.ts';
import { total } from '../state/counts.ts';
import { humanBytes, humanSeconds } from './human.ts';
import { outcomeTable } from './outcome-table.ts';
import { printable } from './printable.ts';
import { progressBar } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 200;
const PLAIN_MS = 5000;
const ERASE_LINE = '\r\u001b[K';

/** How far a run has come: a bar that is drawn again and again on a terminal, a line every few seconds elsewhere. */
export class ShipProgress {
  readonly #terminal: Terminal;
  readonly #status: () => AgentStatus;
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  readonly #startBytes: number;
  #ended = false;

  constructor(terminal: Terminal, status: () => AgentStatus) {
    this.#terminal = terminal;
    this.#status = status;
    this.#startBytes = progressOf(status()).doneBytes;
    this.#timer = setInterval(() => this.#show(), terminal.isLive ? REDRAW_MS : PLAIN_MS);
  }

  /** Prints a line above the bar. */
  above(line: string): void {
    this.#terminal.draw(`${ERASE_LINE}${line}`);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    if (this.#terminal.isLive) this.#terminal.draw(ERASE_LINE);
  }

  #show(): void {
    const line = progressLine(this.#status(), (performance.now() - this.#startedMs) / 1000, this.#startBytes);
    if (this.#terminal.isLive) this.#terminal.draw(`${ERASE_LINE}${line.slice(0, this.#terminal.columns - 1)}`);
    else this.#terminal.complain(line);
  }
}

interface Progress {
  readonly doneBytes: number;
  readonly allBytes: number;
}

function progressOf({ pipelines }: AgentStatus): Progress {
  const doneBytes = pipelines.reduce((sum, { totals }) => sum + totals.readBytes, 0);
  return { doneBytes, allBytes: doneBytes + pipelines.reduce((sum, { lagBytes }) => sum + lagBytes, 0) };
}

/** `[######------]  48 %  1.2 GiB of 2.5 GiB  14 MiB/s  1m 30s left  search: retrying (refused)`. */
export function progressLine(status: AgentStatus, seconds: number, startBytes: number): string {
  const { doneBytes, allBytes } = progressOf(status);
  const rate = seconds > 0 ? (doneBytes - startBytes) / seconds : 0;
  const left = rate > 0 ? `  ${humanSeconds((allBytes - doneBytes) / rate)} left` : '';
  const amiss = status.pipelines.filter(({ state }) => state === 'retrying' || state === 'holding').map(trouble);
  return [
    `${progressBar(doneBytes, allBytes)}  ${humanBytes(doneBytes)} of ${humanBytes(allBytes)}  ${humanBytes(rate)}/s${left}`,
    ...amiss,
  ].join('  ');
}

function trouble({ output, state, reason, words }: PipelineStatus): string {
  return `${output}: ${state} (${printable(words === '' ? reason : words)})`;
}

/** What became of the events, per source and output. */
export function summarise({ pipelines }: AgentStatus): string {
  return outcomeTable(
    pipelines.map(({ source, output, totals, losses }) => ({ source, output, totals, losses: total(losses) })),
  );
}
