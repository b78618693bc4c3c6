import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { startAgent } from '../agent.ts';
import type { Loaded } from '../config/load.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { prepareFilter } from '../filter/create-filter.ts';
import type { AgentEnd } from '../inspect/agent-handle.ts';
import type { Prepared } from '../reload/changes.ts';
import { type Loaded as LoadedAnew, Supervisor, type Surroundings } from '../reload/supervisor.ts';
import { watchConfiguration } from '../reload/watch.ts';
import { WatchedFiles } from '../reload/watched-files.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createRequestHandler } from '../telemetry/request-handler.ts';
import { listen, type TelemetryServer } from '../telemetry/server.ts';
import type { ConfigFlags } from './configuration.ts';
import { loadConfiguration, printProblems } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printError } from './print-error.ts';
import { collectWhenQuiet } from './quiet-collection.ts';
import { obeySignals } from './signals.ts';
import { createStatusPage } from './status-page.ts';
import { boundYoungGeneration } from './young-generation.ts';

/** `auditail run`: ships until it is told to stop. */
export async function run(flags: ConfigFlags, context: Context): Promise<ExitCode> {
  const loaded = loadConfiguration(flags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { config, warnings } = loaded;
  const logger = createLogger(config.log.level);
  logWarnings(logger, warnings);
  const prepared = prepare(loaded);
  const watched = await WatchedFiles.of(prepared.files);
  let supervisor: Supervisor | undefined;
  const status = () => supervisor?.status();
  const metrics = createMetrics(status);
  const address = new Address(createRequestHandler({ status, metrics, page: createStatusPage(status) }, OPEN), logger);
  // The address comes first: that another program has it is known before anything is started.
  await (await address.goOverTo(config)).commit();
  const watching = new AbortController();
  try {
    supervisor = await Supervisor.start({
      prepared,
      logger,
      load: () => loadAnew(flags, context, logger),
      start: (next, held) =>
        startAgent(next.config, {
          mode: 'run',
          logger,
          version: context.version,
          filters: next.filters,
          ...(held === undefined ? {} : { held }),
          beforeFirstLook: async () => context.firstPins?.finish(),
          onSend: (output, seconds, bytes, result) => metrics.observeSend(output, seconds, bytes, result),
          onRequest: (current) =>
            createRequestHandler({ status: () => status() ?? current(), metrics }, { withStatus: true }),
        }),
      surroundings: (_before, after) => address.goOverTo(after),
    });
    await context.firstPins?.keep(config);
    const release = obeySignals(supervisor);
    void watchConfiguration(supervisor, watched, { signal: watching.signal, logger });
    boundYoungGeneration();
    const endCollecting = collectWhenQuiet();
    try {
      return exitOf(await supervisor.ended, context);
    } finally {
      endCollecting();
      release();
    }
  } finally {
    watching.abort();
    await address.close();
    logger.flush();
  }
}

const OPEN = { withStatus: false };

/** What is read again when the configuration changes: it, and the policies that it names. */
function prepare({ config, file }: Loaded & { readonly ok: true }): Prepared {
  const policies = config.outputs.flatMap(({ filter: { policy } }) => {
    return policy === undefined ? [] : [typeof policy === 'string' ? policy : policy.file];
  });
  return {
    config,
    filters: new Map(config.outputs.map(({ name, filter }) => [name, prepareFilter(filter)])),
    files: [...new Set([...(file === undefined ? [] : [file]), ...policies])],
  };
}

function loadAnew(flags: ConfigFlags, context: Context, logger: Logger): LoadedAnew {
  const loaded = loadConfiguration(flags, context);
  if (!loaded.ok) return { ok: false, reason: formatProblems(loaded.problems) };
  logWarnings(logger, loaded.warnings);
  return { ok: true, prepared: prepare(loaded) };
}

/** Where the agent can be watched, and how much it says: both may change while it runs. */
class Address {
  readonly #handler: RequestListener;
  readonly #logger: Logger;
  #listen = 'off';
  #server: TelemetryServer | undefined;

  constructor(handler: RequestListener, logger: Logger) {
    this.#handler = handler;
    this.#logger = logger;
  }

  /** Listens there already, beside the address before. Throws `AUD_LISTEN`. */
  async goOverTo({ telemetry, log }: Config): Promise<Surroundings> {
    const moves = telemetry.listen !== this.#listen;
    const next = !moves || telemetry.listen === 'off' ? undefined : await listen(telemetry.listen, this.#handler);
    return {
      cancel: async () => next?.close(),
      commit: async () => {
        this.#logger.level = log.level;
        if (!moves) return;
        await this.#server?.close();
        this.#server = next;
        this.#listen = telemetry.listen;
        if (next !== undefined) this.#logger.info({ address: next.address }, 'metrics and health are served');
      },
    };
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}

/** Warnings about the configuration, for those who only read the agent's log. */
export function logWarnings(logger: Logger, warnings: readonly Problem[]): void {
  for (const { place, path, message } of warnings)
    logger.warn({ place: place.text, path, words: message }, 'configuration');
}

/** Prints why an agent ended where that is not what was wanted, and says with what to end. */
export function exitOf({ outcome, lost, error }: AgentEnd, { terminal }: Context): ExitCode {
  if (error !== undefined) return printError(terminal, error);
  if (outcome === 'failed') return EXIT.failed;
  return lost ? EXIT.lost : EXIT.done;
}
