import { setTimeout as sleep } from 'node:timers/promises';
import { askAgent } from '../inspect/ask-agent.ts';
import type { AgentStatus } from '../inspect/status.ts';
import { StatusHistory } from '../inspect/status-history.ts';
import { AuditailError } from '../errors.ts';
import type { Terminal } from './terminal.ts';
import type { WatchLine } from './watch-text.ts';
import { plainWatchLines, watchLines } from './watch-text.ts';
import { printable } from './printable.ts';

const TOP_LEFT = '\u001b[H';
const ERASE_REST_OF_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
/** Names may hold characters that take two columns: a line that is too long ends at the edge instead of the next line. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

export interface WatchOptions {
  readonly stateDirectory: string;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Draws the status again and again until it is told to stop. An agent that is away is waited for. */
export async function watch(terminal: Terminal, { stateDirectory, intervalMs, signal }: WatchOptions): Promise<void> {
  const history = new StatusHistory();
  const screen = terminal.isLive ? new Screen(terminal) : undefined;
  try {
    for (;;) {
      const asked = await ask(stateDirectory);
      if (signal.aborted) return;
      const nowMs = Date.now();
      if (typeof asked !== 'string') history.add(asked, nowMs);
      if (screen !== undefined) {
        screen.draw(typeof asked === 'string' ? [{ text: asked, tone: 'red' }] : watchLines(asked, history, nowMs));
      } else if (typeof asked === 'string') terminal.complain(asked);
      else for (const line of plainWatchLines(asked, history, nowMs)) terminal.print(line);
      await sleep(intervalMs, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) return;
    }
  } finally {
    screen?.end();
  }
}

/** The status, or a sentence why there is none now. An agent that is being restarted comes back. */
async function ask(stateDirectory: string): Promise<AgentStatus | string> {
  try {
    return (await askAgent(stateDirectory)) ?? printable(`No agent runs on ${stateDirectory}; waiting for one.`);
  } catch (error) {
    if (error instanceof AuditailError) return printable(error.message);
    throw error;
  }
}

/** Draws over what it drew before: no flicker, and nothing scrolls away. */
class Screen {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.draw(`${NO_WRAP}${TOP_LEFT}${ERASE_BELOW}`);
  }

  draw(lines: readonly WatchLine[]): void {
    const { columns, rows } = this.#terminal;
    const shown = lines.slice(0, Math.max(1, rows - 1)).map(({ text, tone }) => {
      const cut = [...text].slice(0, columns).join('');
      return `${tone === undefined ? cut : this.#terminal.style(tone, cut, 'error')}${ERASE_REST_OF_LINE}`;
    });
    this.#terminal.draw(`${TOP_LEFT}${shown.join('\r\n')}\r\n${ERASE_BELOW}`);
  }

  end(): void {
    this.#terminal.draw(WRAP);
  }
}
