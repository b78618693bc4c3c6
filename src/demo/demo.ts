import { setTimeout as sleep } from 'node:timers/promises';
import { account } from './account.ts';
import { AgentProcess } from './agent-process.ts';
import { bar, count, Display, megabytes, type Picture, type Screen } from './display.ts';
import { Rate } from './rate.ts';
import { MAX_SIZE_BYTES, type Scene, setScene } from './scene.ts';
import { waitUntil } from './wait.ts';

export interface DemoOptions {
  readonly screen: Screen;
  /** The command that starts the agent, without its arguments; this very program where not set. */
  readonly program?: readonly string[];
  /** How long events are written for (default 14 s). */
  readonly durationMs?: number;
  readonly eventsPerSecond?: number;
}

/** Events that stand in the log before the agent is first started. */
const BACKLOG_EVENTS = 1200;
/** A standstill of a minute is a failure; anything shorter may be the machine. */
const STANDSTILL_MS = 60_000;
const OUTAGE_MS = 2000;

/**
 * Shows the main job on real recorded events: a log that rotates is shipped to three receivers by the agent, which runs
 * as a process of its own and is killed on the way. Returns the exit code: 0 where every event arrived, 1 where not,
 * 130 when it was interrupted. Leaves nothing behind.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const scene = await setScene();
  const demo = new Demo(options, scene, interruption.signal);
  try {
    return await demo.run();
  } finally {
    await demo.end();
    await scene.clear();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

class Demo implements Picture {
  readonly #scene: Scene;
  readonly #signal: AbortSignal;
  readonly #display: Display;
  readonly #start: () => AgentProcess;
  readonly #durationMs: number;
  readonly #eventsPerSecond: number;
  #agent: AgentProcess | undefined;
  #kills = 0;
  #begin = performance.now();
  readonly #rates = new Map<string, Rate>();

  constructor(options: DemoOptions, scene: Scene, signal: AbortSignal) {
    this.#scene = scene;
    this.#signal = signal;
    this.#durationMs = options.durationMs ?? 14_000;
    this.#eventsPerSecond = options.eventsPerSecond ?? 400;
    this.#start = () =>
      new AgentProcess({
        ...(options.program === undefined ? {} : { program: options.program }),
        args: ['run', '--config', scene.configFile],
      });
    options.screen.write(
      'auditail demo: recorded events of a real API server are written to a log that rotates, and shipped to\n' +
        'Elasticsearch, Loki and HTTP receivers inside this program. Half-way the agent is killed with kill -9.\n\n',
    );
    this.#display = new Display(options.screen, this);
  }

  async run(): Promise<number> {
    const { writer, log } = this.#scene;
    writer.write(BACKLOG_EVENTS);
    this.#display.say(`${count(BACKLOG_EVENTS)} events are in the log already, ${log.backups().length} backups of it`);
    this.#agent = this.#start();
    this.#display.say(`the agent is started (process ${this.#agent.pid})`);
    this.#begin = performance.now();
    const curtain = new AbortController();
    const writing = writer.run({
      eventsPerSecond: this.#eventsPerSecond,
      durationMs: this.#durationMs,
      signal: AbortSignal.any([this.#signal, curtain.signal]),
    });
    const played = await this.#play();
    if (!played) curtain.abort();
    await writing;
    if (!played) return this.#failed();
    this.#display.say(`the writer stops after ${count(log.lines)} events and ${log.rotations} rotations`);
    if (!(await this.#until(() => this.#allArrived()))) return this.#failed();
    const exit = await this.#agent.stop();
    this.#display.say(`all has arrived; the agent is asked to stop, and ends with exit code ${exit.code}`);
    this.#display.close();
    const { lines, holds } = account(this.#scene, this.#kills);
    for (const line of lines) this.#display.print(line);
    return holds && exit.code === 0 ? 0 : 1;
  }

  /** Ends the display and the agent, whatever happened. */
  async end(): Promise<void> {
    this.#display.close();
    if (this.#agent !== undefined && this.#agent.exit === undefined) await this.#agent.kill();
  }

  /** What happens to agent and receivers while the writer writes. Returns false where it came to a standstill. */
  async #play(): Promise<boolean> {
    const { endpoints, receiver } = this.#scene;
    if (!(await this.#until(() => endpoints.every(({ endpoint }) => endpoint.tally.stored > 0)))) return false;
    await this.#pause(this.#durationMs * 0.4 - this.#elapsedMs());
    // Slow answers, so that there is surely something in flight to be killed with.
    for (const { endpoint } of endpoints) endpoint.slow(300);
    const caught = await this.#until(() => endpoints.every(({ endpoint }) => endpoint.unanswered > 0));
    if (!caught || this.#agent === undefined) return false;
    const unanswered = endpoints.reduce((sum, { endpoint }) => sum + endpoint.unanswered, 0);
    await this.#agent.kill();
    this.#kills += 1;
    this.#display.say(`kill -9: the agent is gone in the middle of ${unanswered} requests; the writer goes on`);
    for (const { endpoint } of endpoints) endpoint.heal();
    this.#agent = this.#start();
    this.#display.say(`the agent is started again (process ${this.#agent.pid})`);
    await this.#pause(this.#durationMs * 0.7 - this.#elapsedMs());
    if (this.#signal.aborted) return false;
    receiver.loki.refuse(503);
    this.#display.say('Loki is down: only its own deliveries wait, in the log itself');
    await this.#pause(OUTAGE_MS);
    receiver.loki.heal();
    if (this.#signal.aborted) return false;
    this.#display.say('Loki is back');
    return true;
  }

  #failed(): number {
    this.#display.close();
    if (this.#signal.aborted) {
      this.#display.print('Interrupted: the agent is ended and everything removed again.');
      return 130;
    }
    const exit = this.#agent?.exit;
    const what =
      exit === undefined ? 'nothing more arrives' : `the agent ended by itself (${exit.signal ?? exit.code})`;
    this.#display.print(`\nThe demo failed: ${what}. The end of the agent's log:\n`);
    this.#display.print(this.#agent?.log.trimEnd().split('\n').slice(-20).join('\n') ?? '');
    return 1;
  }

  #until(condition: () => boolean): Promise<boolean> {
    return waitUntil(() => condition() || this.#agent?.exit !== undefined, {
      progress: () => this.#scene.endpoints.reduce((sum, { endpoint }) => sum + endpoint.tally.stored, 0),
      standstillMs: STANDSTILL_MS,
      signal: this.#signal,
    }).then((came) => came && condition());
  }

  #allArrived(): boolean {
    return this.#scene.endpoints.every(({ endpoint }) => endpoint.tally.distinct >= this.#scene.written.size);
  }

  /** Time for the audience; nothing is proved by it. */
  async #pause(milliseconds: number): Promise<void> {
    const waiting = sleep(Math.max(0, milliseconds), undefined, { signal: this.#signal });
    await waiting.catch((error: unknown) => {
      if (!this.#signal.aborted) throw error;
    });
  }

  #elapsedMs(): number {
    return performance.now() - this.#begin;
  }

  live(): readonly string[] {
    const { log, endpoints, written } = this.#scene;
    const share = this.#elapsedMs() / this.#durationMs;
    const rows = endpoints.map(({ title, endpoint }) => {
      const { distinct } = endpoint.tally;
      const behind = `${count(Math.max(0, written.size - distinct))} behind`;
      return `${this.#row(title, distinct, distinct / Math.max(1, written.size))}  ${behind}`;
    });
    return [
      '',
      `${this.#row('written', written.size, share)}  ${megabytes(log.bytes)}`,
      ...rows,
      `audit.log is rotated at ${megabytes(MAX_SIZE_BYTES)}: ${log.rotations} times, ${log.backups().length} backups are on disk`,
    ];
  }

  #row(title: string, events: number, share: number): string {
    const rate = this.#rates.get(title) ?? new Rate();
    this.#rates.set(title, rate);
    const perSecond = `${count(Math.round(rate.sample(events)))}/s`;
    return `${title.padEnd(15)}${count(events).padStart(8)}  ${bar(share, 30)} ${perSecond.padStart(8)}`;
  }

  summary(): string {
    const { log, endpoints, written } = this.#scene;
    const delivered = endpoints.map(({ title, endpoint }) => `${title} ${count(endpoint.tally.distinct)}`);
    return `written ${count(written.size)} · ${delivered.join(' · ')} · ${log.rotations} rotations`;
  }
}
