import { startAgent } from '../agent.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createRequestHandler } from '../telemetry/request-handler.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { AgentHandle } from '../inspect/agent-handle.ts';
import type { ConfigFlags } from './configuration.ts';
import { loadConfiguration, printProblems } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { ShipProgress, summarise } from './ship-progress.ts';
import { exitOf, logWarnings } from './run.ts';
import { stopOnSignals } from './signals.ts';
import { printError } from './print-error.ts';
import { boundYoungGeneration } from './young-generation.ts';
import { AuditailError } from '../errors.ts';
import type { AgentStatus } from '../inspect/status.ts';

/** `auditail ship`: ships what is there, once, and ends. 1 where there was no log, 3 where something was lost. */
export async function ship(flags: ConfigFlags, context: Context): Promise<ExitCode> {
  const loaded = loadConfiguration(flags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { terminal, version } = context;
  let progress: ShipProgress | undefined;
  // On a terminal the log stands above the bar, and only what matters.
  const logger = terminal.isLive
    ? createLogger('warn', { write: (line) => (progress === undefined ? terminal.draw(line) : progress.above(line)) })
    : createLogger(loaded.config.log.level);
  logWarnings(logger, loaded.warnings);
  const agent: AgentHandle = await startAgent(loaded.config, {
    mode: 'ship',
    logger,
    version,
    beforeFirstLook: async () => context.firstPins?.finish(),
    onRequest: (status) => createRequestHandler({ status, metrics: createMetrics(status) }, { withStatus: true }),
  });
  await context.firstPins?.keep(loaded.config);
  boundYoungGeneration();
  const release = stopOnSignals(agent);
  progress = new ShipProgress(terminal, () => agent.status());
  try {
    const end = await agent.ended;
    progress.end();
    terminal.complain(summarise(agent.status()));
    if (end.outcome === 'stopped')
      terminal.complain('Stopped before all of it was shipped; the next run goes on from there.');
    const exit = exitOf(end, context);
    const complete = end.outcome !== 'stopped' && sayWhatWasNotFound(agent.status(), context);
    return exit === EXIT.done && !complete ? EXIT.failed : exit;
  } finally {
    progress.end();
    release();
    logger.flush();
  }
}

/** A log that is not there, or may not be read, has not been shipped. False where there is one. */
function sayWhatWasNotFound({ sources }: AgentStatus, { terminal }: Context): boolean {
  const unread = sources.filter(({ readable }) => !readable);
  for (const { name, words } of unread) {
    const hint = 'Check the path of the source, and that this user may read it.';
    printError(
      terminal,
      new AuditailError('AUD_LOG_UNREADABLE', `nothing was shipped of source ${name}: ${words}`, { hint }),
    );
  }
  return unread.length === 0;
}
