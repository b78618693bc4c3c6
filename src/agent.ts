import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, OutputConfig, SourceConfig } from './config/schema.ts';
import { AuditailError, messageOf } from './errors.ts';
import { EventView } from './event/event-view.ts';
import { salvage } from './event/salvage.ts';
import { createFilter } from './filter/create-filter.ts';
import type { AgentEnd, AgentHandle, AgentOptions } from './inspect/agent-handle.ts';
import type { AgentStatus } from './inspect/status.ts';
import type { Anomaly } from './log/log.ts';
import type { EventReference } from './log/loss.ts';
import { createElasticsearchOutput } from './output/elasticsearch/elasticsearch.ts';
import { createFileOutput } from './output/file/file.ts';
import { createStdoutOutput } from './output/file/stdout.ts';
import { createTransport } from './output/http-transport.ts';
import { createHttpOutput } from './output/http/http.ts';
import { createLokiOutput } from './output/loki/loki.ts';
import type { Output } from './output/output.ts';
import type { PipelineNotes } from './pipeline/notes.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { createFileSource } from './source/file.ts';
import { firstRun } from './source/first-run.ts';
import type { Source } from './source/source.ts';
import { createStdinSource } from './source/stdin.ts';
import type { Checkpoint } from './state/checkpoint.ts';
import { lockState, type StateLock } from './state/lock.ts';
import { type OutputState, openOutputState } from './state/output-state.ts';
import { openStateDirectory, type StateDirectory } from './state/state-directory.ts';

/**
 * Starts the agent: builds the stages from the configuration, joins them and lets them run. It is the only place that
 * knows them all. Throws `AuditailError` before anything is shipped.
 */
export async function startAgent(config: Config, options: AgentOptions): Promise<AgentHandle> {
  const directory = await openStateDirectory(config.stateDirectory);
  const lock = await lockState(directory.path);
  try {
    const agent = new Agent(config, options, directory, lock);
    await agent.open();
    agent.run();
    return agent;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Whoever stops an agent twice wants it to stop: so long for the last checkpoint and the connections. */
const CLOSE_MS = 5000;

class Agent implements AgentHandle {
  readonly ended: Promise<AgentEnd>;
  readonly #config: Config;
  readonly #options: AgentOptions;
  readonly #directory: StateDirectory;
  readonly #lock: StateLock;
  readonly #startedAt = new Date().toISOString();
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  readonly #unfollow = new AbortController();
  readonly #sources: Source[] = [];
  readonly #finished = new Set<Source>();
  readonly #outputs: Output[] = [];
  readonly #states: OutputState[] = [];
  readonly #pipelines: Pipeline[] = [];
  #end: (end: AgentEnd) => void = () => undefined;

  constructor(config: Config, options: AgentOptions, directory: StateDirectory, lock: StateLock) {
    this.#config = config;
    this.#options = options;
    this.#directory = directory;
    this.#lock = lock;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Builds the stages: sources, outputs with their state, and a pipeline for each pair of them. */
  async open(): Promise<void> {
    for (const source of this.#config.sources) this.#sources.push(this.#createSource(source));
    try {
      for (const output of this.#config.outputs) await this.#openOutput(output);
    } catch (error) {
      await this.#close();
      throw error;
    }
    const listener = this.#options.onRequest?.(() => this.status());
    if (listener !== undefined) this.#lock.serve(listener);
  }

  run(): void {
    this.#runAll().then(
      (end) => this.#end(end),
      (error: unknown) => this.#end({ outcome: 'failed', lost: this.#lost(), error: internal(error) }),
    );
  }

  stop(): void {
    if (this.#drain.signal.aborted) {
      this.#stop.abort(new Error('stopped'));
      return;
    }
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
      stateDirectory: this.#directory.path,
      sources: this.#sources.map((source) => source.status()),
      pipelines: this.#pipelines.map((pipeline) => pipeline.status()),
      deadLetters: this.#states.map((state) => state.deadLetterStatus()),
      memory: {
        usedBytes: this.#pipelines.reduce((sum, pipeline) => sum + pipeline.heldBytes, 0),
        maxBytes: this.#config.memory.maxBytes,
      },
    };
  }

  async #runAll(): Promise<AgentEnd> {
    const { logger } = this.#options;
    for (const source of this.#sources) await source.log.begin();
    const following = this.#sources.map(async (source) => {
      await source.follow(this.#unfollow.signal);
      this.#finished.add(source);
      source.log.pulse.beat();
    });
    // A source that fails stops all: what it would have brought cannot be left out silently.
    const failed = Promise.all(following).then(() => new Promise<never>(() => undefined));
    logger.info({ sources: this.#sources.length, pipelines: this.#pipelines.length }, 'shipping');
    try {
      await Promise.race([failed, Promise.all(this.#pipelines.map((pipeline) => this.#runPipeline(pipeline)))]);
    } finally {
      this.#drain.abort(new Error('ending'));
      this.#unfollow.abort(new Error('ending'));
      await Promise.allSettled(following);
      await this.#close();
    }
    const outcome = this.#stop.signal.aborted ? 'stopped' : 'drained';
    logger.info({ outcome }, 'stopped');
    return { outcome, lost: this.#lost() };
  }

  /** The fault of one pipeline ends the agent, but only after the others have drained: its supervisor starts it again. */
  async #runPipeline(pipeline: Pipeline): Promise<void> {
    try {
      await pipeline.run(this.#drain.signal, this.#stop.signal);
    } catch (error) {
      this.#options.logger.error({ output: pipeline.name, err: error }, 'a pipeline failed: the agent stops');
      this.stop();
      throw error;
    }
  }

  #lost(): boolean {
    return this.#pipelines.some((pipeline) =>
      Object.entries(pipeline.losses).some(([reason, count]) => reason !== 'not-taken' && count > 0),
    );
  }

  async #close(): Promise<void> {
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
    await this.#lock.release();
  }

  // ---- building

  #createSource(config: SourceConfig): Source {
    const { stateDirectory } = this.#config;
    const reference = lineReference();
    const anomaly: Anomaly = (kind, words, fields) => {
      const level = kind === 'readable' ? 'info' : 'warn';
      this.#options.logger[level]({ source: config.name, kind, ...fields }, words);
    };
    if (config.type === 'stdin')
      return createStdinSource({ config, stateDirectory, input: process.stdin, reference, anomaly });
    return createFileSource({ config, stateDirectory, activePollMs: this.#activePollMs(), reference, anomaly });
  }

  /** New events are looked for twice within the shortest delay that an output asks for. */
  #activePollMs(): number {
    const shortest = Math.min(...this.#config.outputs.map(({ batch }) => batch.maxDelay));
    return Math.max(5, Math.min(100, Math.floor(shortest / 2)));
  }

  async #openOutput(config: OutputConfig): Promise<void> {
    const { logger } = this.#options;
    const output = this.#createOutput(config);
    this.#outputs.push(output);
    const state = await openOutputState(this.#directory, this.#lock, {
      output: config.name,
      deadLetterMaxBytes: config.deadLetter.maxBytes,
      found: (finding) =>
        logger.warn({ output: config.name, ...finding }, 'something in the state directory was mended'),
    });
    this.#states.push(state);
    for (const source of this.#sources) {
      if (config.sources !== undefined && !config.sources.includes(source.name)) continue;
      const resume = await state.load(source.name);
      if (resume !== null) refuseOther(resume, output, source);
      this.#pipelines.push(this.#createPipeline(config, output, state, source, resume));
    }
  }

  #createOutput(config: OutputConfig): Output {
    const { metadata } = this.#config;
    const { version, logger } = this.#options;
    const options = { userAgent: `auditail/${version}`, logger: logger.child({ output: config.name }) };
    switch (config.type) {
      case 'elasticsearch':
        return createElasticsearchOutput(config, metadata, createTransport(config, options));
      case 'loki':
        return createLokiOutput(config, metadata, createTransport(config, options));
      case 'http':
        return createHttpOutput(config, metadata, createTransport(config, options));
      case 'file':
        return createFileOutput(config, metadata);
      case 'stdout':
        return createStdoutOutput(config, metadata);
    }
  }

  #createPipeline(
    config: OutputConfig,
    output: Output,
    state: OutputState,
    source: Source,
    resume: Checkpoint | null,
  ): Pipeline {
    const { mode, logger, onSend } = this.#options;
    const own = logger.child({ source: source.name });
    const notes: PipelineNotes = {
      info: (message, fields) => own.info(fields, message),
      warn: (message, fields) => own.warn(fields, message),
      error: (message, fields) => own.error(fields, message),
      sent: (seconds, bytes, result) => onSend?.(output.name, seconds, bytes, result),
    };
    const file = this.#config.sources.find(({ name }) => name === source.name);
    const startAt = file?.type === 'file' ? file.startAt : 'oldest';
    return new Pipeline({
      log: source.log,
      origin: source.origin,
      output,
      filter: createFilter(config.filter),
      event: new EventView(),
      salvage,
      batch: config.batch,
      retry: config.retry,
      maxLineBytes: this.#config.maxLineBytes,
      checkpointIntervalMs: this.#config.checkpoint.interval,
      state: state.of(source.name),
      notes,
      resume,
      ending: () => mode === 'ship' || this.#finished.has(source),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      random: Math.random,
      firstRun: (segments) => firstRun(startAt, segments, Date.now()),
    });
  }
}

/** A checkpoint of another destination or log says nothing about this one. */
function refuseOther(checkpoint: Checkpoint, output: Output, source: Source): void {
  const { destination, origin } = checkpoint;
  if (destination === output.destination && origin === source.origin) return;
  const [what, before, now] =
    destination === output.destination
      ? ['source', origin, source.origin]
      : ['destination', destination, output.destination];
  throw new AuditailError(
    'AUD_STATE_MISMATCH',
    `the checkpoint of output ${output.name} belongs to the ${what} ${before}, and the configuration says ${now}`,
    {
      hint: `give the output another name to ship everything there from the beginning, or run \`auditail state remove ${output.name}\` to forget where it stood`,
    },
  );
}

/** Each source reads first lines with a view of its own: those of the pipelines are in use. */
function lineReference(): (line: Buffer) => EventReference | null {
  const view = new EventView();
  return (line) => (view.read(line, 0, line.length) === null ? view.reference() : null);
}

function internal(error: unknown): AuditailError {
  if (error instanceof AuditailError) return error;
  return new AuditailError('AUD_INTERNAL', messageOf(error), {
    cause: error,
    hint: 'this is a fault of auditail: please report it with the log',
  });
}
