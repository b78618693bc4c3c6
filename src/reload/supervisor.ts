import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { asAuditailError, AuditailError, messageOf } from '../errors.ts';
import type { AgentEnd, AgentHandle, Held } from '../inspect/agent-handle.ts';
import type { AgentStatus, ConfigurationStatus } from '../inspect/status.ts';
import { carriedOn } from './carried-status.ts';
import { obstacle, type Prepared, stepBetween } from './changes.ts';

/** What was read anew, or why it is not sound. */
export type Loaded =
  | { readonly ok: true; readonly prepared: Prepared }
  | { readonly ok: false; readonly reason: string };

/** What is around the agent and may change with the configuration; nothing has until `commit`. */
export interface Surroundings {
  commit(): Promise<void>;
  cancel(): Promise<void>;
}

export interface SupervisorOptions {
  readonly prepared: Prepared;
  readonly load: () => Loaded;
  /** Starts an agent, with what the one before it held. */
  readonly start: (prepared: Prepared, held: Held | undefined) => Promise<AgentHandle>;
  /** Prepares what else the configuration says. Throws where that can't be had. */
  readonly surroundings: (before: Config, after: Config) => Promise<Surroundings>;
  readonly logger: Logger;
}

/**
 * Runs agents, one after the other, as the configuration changes. A new one is read and checked whole, and takes over at
 * a batch border; one that is not sound, or that cannot be started, changes nothing.
 */
export class Supervisor {
  readonly #ending = Promise.withResolvers<AgentEnd>();
  readonly ended = this.#ending.promise;
  readonly #options: SupervisorOptions;
  #prepared: Prepared;
  #agent: AgentHandle;
  /** What the agents before the running one have counted. */
  #earlier: AgentStatus | null = null;
  #lost = false;
  #replacing = false;
  /** How often somebody has asked for the end. */
  #stops = 0;
  #over = false;
  #turn: Promise<void> = Promise.resolve();
  #loadedAt = new Date().toISOString();
  #reloads = 0;
  #failures = 0;
  #refused: ConfigurationStatus['refused'] = null;

  static async start(options: SupervisorOptions): Promise<Supervisor> {
    return new Supervisor(options, await options.start(options.prepared, undefined));
  }

  private constructor(options: SupervisorOptions, agent: AgentHandle) {
    this.#options = options;
    this.#prepared = options.prepared;
    this.#agent = agent;
    void this.#endWith(agent);
  }

  /** The files that the running configuration was read from. */
  get files(): readonly string[] {
    return this.#prepared.files;
  }

  /** Of the running agent, with what those before it have counted; of the one before while none runs. */
  status(): AgentStatus {
    const configuration = {
      loadedAt: this.#loadedAt,
      reloads: this.#reloads,
      failures: this.#failures,
      refused: this.#refused,
    };
    return { ...carriedOn(this.#earlier, this.#agent.status()), configuration };
  }

  /** As `AgentHandle.stop`. */
  stop(): void {
    this.#stops += 1;
    // While one agent follows on another, that one is ending already: only a second call hurries it.
    if (!this.#replacing || this.#stops > 1) this.#agent.stop();
  }

  /** Reads the configuration anew and goes over to it. Resolves when that is done, or refused. One after the other. */
  reload(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reload());
    return this.#turn;
  }

  async #reload(): Promise<void> {
    if (this.#over || this.#stops > 0) return;
    try {
      const loaded = this.#options.load();
      if (!loaded.ok) this.#refuse(loaded.reason);
      else await this.#goOverTo(loaded.prepared);
    } catch (error) {
      this.#refuse(wordsOf(error));
    }
  }

  async #goOverTo(next: Prepared): Promise<void> {
    const before = this.#prepared;
    const reason = obstacle(before.config, next.config);
    if (reason !== null) return this.#refuse(reason);
    const around = await this.#options.surroundings(before.config, next.config);
    const step = stepBetween(before, next);
    if (step.type === 'filters') this.#agent.useFilters(step.filters);
    if (step.type === 'agent') {
      const refused = await this.#replace(next);
      if (refused !== null) {
        await around.cancel();
        if (!this.#over) this.#refuse(refused);
        return;
      }
    }
    await around.commit();
    this.#prepared = next;
    this.#loadedAt = new Date().toISOString();
    this.#reloads += 1;
    this.#refused = null;
    this.#options.logger.info({ change: step.type }, 'the configuration was read anew');
  }

  /** Starts another agent in the place of this one; gives the reason where that was not to be, and the old one goes on. */
  async #replace(next: Prepared): Promise<string | null> {
    this.#replacing = true;
    const { end, held } = await this.#agent.handOver();
    this.#lost ||= end.lost;
    if (held === null || end.outcome === 'failed' || this.#stops > 0) {
      await held?.lock.release();
      this.#end(end);
      return 'the agent is ending';
    }
    let refused: string | null = null;
    try {
      this.#succeed(await this.#options.start(next, held));
    } catch (error) {
      refused = wordsOf(error);
      // What ran before runs again: nothing of it was read anew.
      await this.#startAgain(held);
    }
    this.#replacing = false;
    if (this.#over) return refused;
    void this.#endWith(this.#agent);
    // Asked for while there was no agent to stop.
    for (let stops = 0; stops < Math.min(2, this.#stops); stops += 1) this.#agent.stop();
    return refused;
  }

  async #startAgain(held: Held): Promise<void> {
    try {
      this.#succeed(await this.#options.start(this.#prepared, held));
    } catch (error) {
      await held.lock.release();
      this.#end({ outcome: 'failed', lost: this.#lost, error: asAuditailError(error) });
    }
  }

  #succeed(agent: AgentHandle): void {
    this.#earlier = carriedOn(this.#earlier, this.#agent.status());
    this.#agent = agent;
  }

  async #endWith(agent: AgentHandle): Promise<void> {
    const end = await agent.ended;
    if (agent === this.#agent && !this.#replacing) this.#end(end);
  }

  #end(end: AgentEnd): void {
    this.#over = true;
    this.#ending.resolve({ ...end, lost: end.lost || this.#lost });
  }

  #refuse(reason: string): void {
    this.#failures += 1;
    this.#refused = { at: new Date().toISOString(), reason };
    this.#options.logger.error({ reason }, 'the new configuration was refused: the one before goes on');
  }
}

function wordsOf(error: unknown): string {
  const hint = error instanceof AuditailError && error.hint !== undefined ? ` (${error.hint})` : '';
  return `${messageOf(error)}${hint}`;
}
