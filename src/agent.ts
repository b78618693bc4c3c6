import { setTimeout as sleep } from 'node:timers/promises';
import { ALERT_DEAD_LETTER_BYTES, Alerting } from './alerting.ts';
import { ALERTS } from './alert/stage.ts';
import type { AlertsConfig } from './config/alert-schema.ts';
import type { Config, OutputConfig, ReadingOrder } from './config/schema.ts';
import { asAuditailError, messageOf } from './errors.ts';
import { EventView } from './event/event-view.ts';
import { salvage } from './event/salvage.ts';
import { type PreparedFilter, prepareFilter } from './filter/create-filter.ts';
import type { AgentEnd, AgentHandle, AgentOptions, HandedOver, Held } from './inspect/agent-handle.ts';
import { openOutputs } from './inspect/open-output.ts';
import { openSource } from './inspect/open-source.ts';
import type { AgentStatus } from './inspect/status.ts';
import type { Output } from './output/output.ts';
import { fitOutputs } from './pipeline/budget.ts';
import { LargeLines } from './pipeline/large-lines.ts';
import { notesTo } from './pipeline/notes.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { firstRun, type StartAt } from './source/first-run.ts';
import { type Source, Stopped } from './source/source.ts';
import type { Checkpoint } from './state/checkpoint.ts';
import { lockState } from './state/lock.ts';
import { type OutputState, openOutputState } from './state/output-state.ts';
import { refuseOther } from './state/refuse-other.ts';
import { openStateDirectory } from './state/state-directory.ts';

/**
 * Starts the agent: builds the stages from the configuration, joins them and lets them run. It is the only place that
 * knows them all. Throws `AuditailError` before anything is shipped.
 */
export async function startAgent(config: Config, options: AgentOptions): Promise<AgentHandle> {
  const held = options.held ?? (await hold(config.stateDirectory));
  try {
    const agent = new Agent(config, options, held);
    await agent.open();
    agent.run();
    return agent;
  } catch (error) {
    // What was handed over stays with who handed it over: it may start another agent with it.
    if (options.held === undefined) await held.lock.release();
    throw error;
  }
}

async function hold(stateDirectory: string): Promise<Held> {
  const directory = await openStateDirectory(stateDirectory);
  return { directory, lock: await lockState(directory.path) };
}

/** So long for the last checkpoint and the connections. */
const CLOSE_MS = 5000;

class Agent implements AgentHandle {
  readonly #ending = Promise.withResolvers<AgentEnd>();
  readonly ended = this.#ending.promise;
  readonly #config: Config;
  readonly #options: AgentOptions;
  readonly #held: Held;
  readonly #startedAt = new Date().toISOString();
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  readonly #unfollow = new AbortController();
  readonly #sources: Source[] = [];
  readonly #finished = new Set<Source>();
  readonly #outputs: Output[] = [];
  readonly #states: OutputState[] = [];
  readonly #pipelines: Pipeline[] = [];
  readonly #largeLines = new LargeLines();
  readonly #alertings: Alerting[] = [];
  #handsOver = false;
  #released = false;

  constructor(config: Config, options: AgentOptions, held: Held) {
    this.#config = config;
    this.#options = options;
    this.#held = held;
  }

  /** Builds the stages: sources, outputs with their state, and a pipeline for each pair of them. */
  async open(): Promise<void> {
    const inFlight = fitOutputs(this.#config, (lowered) => {
      this.#options.logger.warn(lowered, 'memory.maxBytes has no room for so many batches in flight');
    });
    this.#sources.push(...this.#config.sources.map((one) => openSource(one, this.#config, this.#options.logger)));
    try {
      for (const [at, output] of this.#config.outputs.entries()) {
        await this.#openOutput({ ...output, batch: { ...output.batch, maxInFlight: inFlight[at] as number } });
      }
      if (this.#config.alerts !== undefined) await this.#openAlerts(this.#config.alerts);
    } catch (error) {
      await this.#closeStages();
      throw error;
    }
    const listener = this.#options.onRequest?.(() => this.status());
    if (listener !== undefined) this.#held.lock.serve(listener);
  }

  run(): void {
    this.#runAll().then(
      (end) => this.#ending.resolve(end),
      (error: unknown) =>
        this.#ending.resolve({ outcome: 'failed', lost: this.#lost(), error: asAuditailError(error) }),
    );
  }

  stop(): void {
    if (this.#drain.signal.aborted) this.#stop.abort(new Error('stopped'));
    else this.#beginDrain();
  }

  async handOver(): Promise<HandedOver> {
    this.#handsOver = true;
    this.#beginDrain();
    const end = await this.ended;
    return { end, held: this.#released ? null : this.#held };
  }

  useFilters(filters: ReadonlyMap<string, PreparedFilter>): void {
    for (const pipeline of this.#pipelines) {
      const filter = filters.get(pipeline.name);
      if (filter !== undefined) pipeline.useFilter(filter.create());
    }
  }

  /** However often: only a person who asks twice means "at once". */
  #beginDrain(): void {
    if (this.#drain.signal.aborted) return;
    this.#options.logger.info({ graceMs: this.#config.shutdownGrace }, 'stopping: what is in flight may finish');
    this.#drain.abort(new Error('draining'));
    const timer = setTimeout(() => this.#stop.abort(new Error('stopped')), this.#config.shutdownGrace);
    this.ended.then(() => clearTimeout(timer), undefined);
  }

  status(): AgentStatus {
    return {
      version: this.#options.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      stateDirectory: this.#held.directory.path,
      sources: this.#sources.map((source) => source.status()),
      pipelines: this.#pipelines.map((pipeline) => pipeline.status()),
      deadLetters: this.#states.map((state) => state.deadLetterStatus()),
      ...(this.#alertings.length === 0 ? {} : { alerts: this.#alertings.map((alerting) => alerting.status()) }),
      memory: {
        usedBytes: this.#pipelines.reduce((sum, pipeline) => sum + pipeline.heldBytes, 0),
        maxBytes: this.#config.memory.maxBytes,
      },
    };
  }

  async #runAll(): Promise<AgentEnd> {
    const { logger } = this.#options;
    try {
      await this.#options.beforeFirstLook?.();
      for (const source of this.#sources) await source.log.begin();
      logger.info({ sources: this.#sources.length, pipelines: this.#pipelines.length }, 'shipping');
      const following = Promise.allSettled(this.#sources.map((source) => this.#follow(source)));
      const results = await Promise.allSettled(this.#pipelines.map((pipeline) => this.#runPipeline(pipeline)));
      this.#unfollow.abort(new Stopped(this.#handsOver));
      const failed = [...results, ...(await following)].find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } finally {
      await this.#close();
    }
    const outcome = this.#stop.signal.aborted ? 'stopped' : 'drained';
    logger.info({ outcome }, 'stopped');
    return { outcome, lost: this.#lost() };
  }

  /** A source that fails ends the agent: what it would have brought cannot be left out silently. */
  async #follow(source: Source): Promise<void> {
    try {
      await source.follow(this.#unfollow.signal);
    } catch (error) {
      this.#options.logger.error({ source: source.name, err: error }, 'a source failed: the agent stops');
      this.#beginDrain();
      throw error;
    }
    this.#finished.add(source);
    source.log.pulse.beat();
  }

  /** The fault of one pipeline ends the agent, but only after the others have drained: its supervisor starts it again. */
  async #runPipeline(pipeline: Pipeline): Promise<void> {
    try {
      await pipeline.run(this.#drain.signal, this.#stop.signal);
    } catch (error) {
      this.#options.logger.error({ output: pipeline.name, err: error }, 'a pipeline failed: the agent stops');
      this.#beginDrain();
      throw error;
    }
  }

  #lost(): boolean {
    return this.#pipelines.some((pipeline) =>
      Object.entries(pipeline.losses).some(([reason, count]) => reason !== 'not-taken' && count > 0),
    );
  }

  async #close(): Promise<void> {
    await Promise.all(this.#alertings.map((alerting) => alerting.close()));
    await this.#closeStages();
    if (this.#handsOver) return;
    this.#released = true;
    await this.#held.lock.release();
  }

  async #closeStages(): Promise<void> {
    const closing = [
      ...this.#sources.map((source) => source.log.close()),
      ...this.#outputs.map((output) => output.close()),
      ...this.#states.map((state) => state.close()),
    ];
    const results = await Promise.race([Promise.allSettled(closing), sleep(CLOSE_MS, [], { ref: false })]);
    for (const result of results) {
      if (result.status === 'rejected')
        this.#options.logger.warn({ reason: messageOf(result.reason) }, 'something could not be closed');
    }
  }

  // ---- building

  async #openOutput(config: OutputConfig): Promise<void> {
    const { logger } = this.#options;
    const own = { userAgent: `auditail/${this.#options.version}`, logger: logger.child({ output: config.name }) };
    const opened = openOutputs(config, this.#config, this.#sources, own);
    this.#outputs.push(...opened.all);
    const state = await this.#openState(config.name, config.deadLetter.maxBytes);
    const filter = this.#options.filters?.get(config.name) ?? prepareFilter(config.filter);
    for (const [source, output] of opened.pairs) {
      const resume = await state.load(source.name);
      if (resume !== null) refuseOther(resume, output.destination, source.origin);
      this.#pipelines.push(this.#createPipeline(config, output, filter, state, source, resume));
    }
  }

  /** The alert rules over each source: a pipeline of their own, with all of the trail. */
  async #openAlerts(alerts: AlertsConfig): Promise<void> {
    const { logger, version } = this.#options;
    const state = await this.#openState(ALERTS, ALERT_DEAD_LETTER_BYTES);
    const common = { ...this.#held, config: this.#config, alerts, logger, userAgent: `auditail/${version}` };
    for (const source of this.#sources) {
      const alerting = new Alerting(common, source.name);
      const { stage } = alerting;
      this.#alertings.push(alerting);
      this.#outputs.push(stage);
      const resume = await state.load(source.name);
      if (resume !== null) refuseOther(resume, stage.destination, source.origin);
      await alerting.open(state.of(source.name), resume);
      const pipeline = this.#createPipeline(alerting.pipeline, stage, alerting, state, source, resume);
      this.#pipelines.push(pipeline);
      alerting.begin(() => pipeline.status().lagBytes === 0);
    }
  }

  async #openState(output: string, deadLetterMaxBytes: number): Promise<OutputState> {
    const found = (finding: object) =>
      this.#options.logger.warn({ output, ...finding }, 'the state directory was mended');
    const state = await openOutputState(this.#held.directory, this.#held.lock, { output, deadLetterMaxBytes, found });
    this.#states.push(state);
    return state;
  }

  #createPipeline(
    config: Pick<OutputConfig, 'batch' | 'retry'> & { readonly startAt?: StartAt; readonly order?: ReadingOrder },
    output: Output,
    filter: Pick<PreparedFilter, 'create'>,
    state: OutputState,
    source: Source,
    resume: Checkpoint | null,
  ): Pipeline {
    const { mode, logger, onSend } = this.#options;
    const own = logger.child({ source: source.name });
    const notes = notesTo(own, (seconds, bytes, result) => onSend?.(output.name, seconds, bytes, result));
    const from = this.#config.sources.find(({ name }) => name === source.name);
    const startAt = from?.type === 'file' && from.format === 'json' ? (config.startAt ?? from.startAt) : 'oldest';
    return new Pipeline({
      log: source.log,
      origin: source.origin,
      output,
      filter: filter.create(),
      event: new EventView(),
      salvage,
      batch: config.batch,
      retry: config.retry,
      maxLineBytes: this.#config.maxLineBytes,
      maxReadRate: from?.maxReadRate ?? 'off',
      order: config.order ?? 'oldest-first',
      checkpointIntervalMs: this.#config.checkpoint.interval,
      state: state.of(source.name),
      notes,
      resume,
      ending: () => this.#finished.has(source) || (mode === 'ship' && (source.caughtUp?.() ?? true)),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      random: Math.random,
      largeLines: this.#largeLines,
      firstRun: (segments) => firstRun(startAt, segments, Date.now()),
    });
  }
}
