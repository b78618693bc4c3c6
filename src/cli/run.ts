import type { Logger } from 'pino';
import { startAgent } from '../agent.ts';
import type { Config } from '../config/schema.ts';
import type { Problem } from '../config/problem.ts';
import type { AgentEnd, AgentHandle } from '../inspect/agent-handle.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createRequestHandler } from '../telemetry/request-handler.ts';
import { listen } from '../telemetry/server.ts';
import type { ConfigFlags } from './configuration.ts';
import { loadConfiguration, printProblems } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printError } from './print-error.ts';
import { stopOnSignals } from './signals.ts';
import { createStatusPage } from './status-page.ts';

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
  let agent: AgentHandle | undefined;
  const status = () => agent?.status();
  const metrics = createMetrics(status);
  // The address comes first: that another program has it is known before anything is started.
  const server = await listenWhere(
    config,
    createRequestHandler({ status, metrics, page: createStatusPage(status) }, { withStatus: false }),
  );
  try {
    agent = await startAgent(config, {
      mode: 'run',
      logger,
      version: context.version,
      onSend: (output, seconds, bytes, result) => metrics.observeSend(output, seconds, bytes, result),
      onRequest: (current) => createRequestHandler({ status: current, metrics }, { withStatus: true }),
    });
    if (server !== undefined) logger.info({ address: server.address }, 'metrics and health are served');
    context.firstPins?.keep();
    const release = stopOnSignals(agent);
    try {
      return exitOf(await agent.ended, context);
    } finally {
      release();
    }
  } finally {
    await server?.close();
    logger.flush();
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

function listenWhere({ telemetry }: Config, handler: ReturnType<typeof createRequestHandler>) {
  return telemetry.listen === 'off' ? undefined : listen(telemetry.listen, handler);
}
