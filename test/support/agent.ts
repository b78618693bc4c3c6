import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentProcess, type Exit } from '../../src/demo/agent-process.ts';
import { waitUntil } from '../../src/demo/wait.ts';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { REPOSITORY } from './source-files.ts';

/** What `npm test` builds first; or another build that is to be tried. */
export const BUNDLE = process.env['AUDITAIL_BUNDLE'] ?? join(REPOSITORY, 'dist/auditail.mjs');

const POLL_MS = 20;

/** A test that stands still for so long has failed; a slow machine is waited for. */
const STANDSTILL_MS = 20_000;

/** The built program as a process, over one state directory and as many starts and ends as a story has. */
export class Agent {
  readonly #args: readonly string[];
  readonly #stateDirectory: string;
  readonly #bytesWritten: () => number;
  readonly #stdin: number | undefined;
  #process: AgentProcess | undefined;
  #log = '';

  /** `bytesWritten`: how much there is to be read, for `caughtUp`. `stdin`: a descriptor for its standard input. */
  constructor(options: {
    configFile: string;
    stateDirectory: string;
    bytesWritten: () => number;
    stdin?: number | undefined;
  }) {
    this.#stdin = options.stdin;
    this.#args = ['run', '--config', options.configFile];
    this.#stateDirectory = options.stateDirectory;
    this.#bytesWritten = options.bytesWritten;
  }

  start(env: Readonly<Record<string, string>> = {}): void {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not built: npm run build`);
    if (this.running) throw new Error('the agent is running already');
    this.#log += this.#process?.log ?? '';
    const own = this.#stdin === undefined ? {} : { stdin: this.#stdin };
    this.#process = new AgentProcess({ program: [process.execPath, BUNDLE], args: this.#args, env, ...own });
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exit === undefined;
  }

  /** What it has said over all its starts. */
  get log(): string {
    return this.#log + (this.#process?.log ?? '');
  }

  /** The records of its log that have this level at least, as pino writes them. */
  records(level: 'info' | 'warn' | 'error' = 'info'): readonly Readonly<Record<string, unknown>>[] {
    const least = { info: 30, warn: 40, error: 50 }[level];
    return this.log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((record) => rank(record['level']) >= least);
  }

  /** kill -9. */
  async kill(): Promise<Exit> {
    return this.#running().kill();
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<Exit> {
    return this.#running().stop();
  }

  /** Waits for it to end by itself. */
  async ended(): Promise<Exit> {
    return this.#running().exited;
  }

  send(signal: NodeJS.Signals): void {
    this.#running().send(signal);
  }

  /** What it says of itself over its socket; `undefined` while it does not answer. */
  async status(): Promise<AgentStatus | undefined> {
    return askStatus(join(this.#stateDirectory, 'agent.sock'));
  }

  /** Waits until every output has settled everything that has been written by then. Rejects on a standstill. */
  async caughtUp(): Promise<void> {
    const bytes = this.#bytesWritten();
    let last: AgentStatus | undefined;
    await this.waitFor(`all ${bytes} bytes settled`, async () => {
      last = await this.status();
      if (last === undefined || last.pipelines.length === 0) return false;
      return last.pipelines.every(
        ({ totals, lagBytes }) => lagBytes === 0 && totals.readBytes + totals.skippedBytes >= bytes,
      );
    });
  }

  /** Waits for anything else. Rejects, with the end of the agent's log, on a standstill or when the agent has ended. */
  async waitFor(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    this.#running();
    let held = false;
    let seen = 0;
    let said = '';
    const polling = new AbortController();
    const poll = async (): Promise<void> => {
      while (!polling.signal.aborted && !held) {
        held = await condition();
        const status = JSON.stringify((await this.status())?.pipelines.map(({ totals, retries }) => [totals, retries]));
        if (status !== said) seen += 1;
        said = status;
        await sleep(POLL_MS);
      }
    };
    const polled = poll();
    try {
      const came = await waitUntil(() => held || !this.running, { progress: () => seen, standstillMs: STANDSTILL_MS });
      if (came && held) return;
    } finally {
      polling.abort();
      await polled;
    }
    const state = this.running ? 'stands still' : `has ended with ${JSON.stringify(this.#process?.exit)}`;
    throw new Error(
      `waited for: ${what}; the agent ${state}. Its log ends:\n${this.log.slice(-3000)}\nstatus: ${said}`,
    );
  }

  #running(): AgentProcess {
    if (this.#process === undefined) throw new Error('the agent was not started');
    return this.#process;
  }
}

function rank(level: unknown): number {
  if (typeof level === 'number') return level;
  return { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }[String(level)] ?? 0;
}

export function askStatus(socketPath: string): Promise<AgentStatus | undefined> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path: '/status', timeout: 2000 }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve(reply.statusCode === 200 ? (JSON.parse(text) as AgentStatus) : undefined);
      });
      reply.on('error', () => resolve(undefined));
    });
    // Not there yet, or there no more: the answer to the question is that there is none.
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(undefined));
    asking.end();
  });
}
