import type { Config, OutputConfig, SourceConfig } from '../config/schema.ts';
import { formatProblems } from '../config/problem.ts';
import { AuditailError } from '../errors.ts';
import { checkControlPlane } from '../inspect/check-control-plane.ts';
import { checkPolicy } from '../inspect/check-policy.ts';
import { checkCri } from '../inspect/check-cri.ts';
import { checkSource } from '../inspect/check-source.ts';
import { checkWebhook } from '../inspect/check-webhook.ts';
import { checkState } from '../inspect/check-state.ts';
import { openOutput } from '../inspect/open-output.ts';
import type { Finding } from '../output/output.ts';
import type { ConfigFlags } from './configuration.ts';
import { loadConfiguration, printProblems } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { plural } from './human.ts';
import { printable, printableLines } from './printable.ts';

const PROBE_MS = 15_000;

/** `auditail check`: a line for everything that was looked at; 1 where something is wrong, 2 where it is the configuration. */
export async function check(
  { connect, ...flags }: ConfigFlags & { readonly connect?: true },
  context: Context,
): Promise<ExitCode> {
  const { terminal } = context;
  const loaded = loadConfiguration(flags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { config, warnings, file } = loaded;
  if (warnings.length > 0) terminal.print(printableLines(formatProblems(warnings)));
  const size = `${plural(config.sources.length, 'source')}, ${plural(config.outputs.length, 'output')}`;
  const report = new Report(context);
  report.add('configuration', [{ level: 'ok', text: `${file ?? 'flags and environment'}: ${size}` }]);
  for (const source of config.sources) {
    report.add(`source ${source.name}`, await checkAnySource(source));
  }
  const files = config.sources.filter((source) => source.type === 'file');
  if (files.length > 0) report.add('control plane', checkControlPlane(files));
  for (const output of config.outputs) report.add(`filter of ${output.name}`, checkPolicy(output, config));
  report.add('state', await checkState(config.stateDirectory));
  if (connect === true) {
    for (const output of config.outputs) report.add(`output ${output.name}`, await probe(output, config, context));
  }
  return report.end(connect === true);
}

async function checkAnySource(source: SourceConfig): Promise<readonly Finding[]> {
  switch (source.type) {
    case 'file':
      return source.format === 'cri' ? checkCri(source) : checkSource(source);
    case 'stdin':
      return [{ level: 'ok', text: 'reads standard input' }];
    case 'webhook':
      return checkWebhook(source);
  }
}

async function probe(
  described: OutputConfig,
  config: Config,
  { version, environment }: Context,
): Promise<readonly Finding[]> {
  try {
    const output = openOutput(described, config.metadata, { userAgent: `auditail/${version}`, environment });
    try {
      return await output.probe(AbortSignal.timeout(PROBE_MS), sourceOf(described, config));
    } finally {
      await output.close();
    }
  } catch (error) {
    if (!(error instanceof AuditailError)) throw error;
    return [{ level: 'error', text: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }];
  }
}

/** A source that the output takes events of. */
function sourceOf({ sources }: OutputConfig, config: Config): string | undefined {
  return config.sources.find(({ name }) => sources?.includes(name) ?? true)?.name;
}

const STYLES = { ok: 'green', warning: 'yellow', error: 'red' } as const;

class Report {
  readonly #context: Context;
  readonly #counts = { ok: 0, warning: 0, error: 0 };

  constructor(context: Context) {
    this.#context = context;
  }

  add(subject: string, findings: readonly Finding[]): void {
    const { terminal } = this.#context;
    for (const { level, text, hint } of findings) {
      this.#counts[level] += 1;
      terminal.print(`${terminal.style(STYLES[level], level.padEnd(7))}  ${subject}: ${printable(text)}`);
      if (hint !== undefined) terminal.print(`         ${printable(hint)}`);
    }
  }

  end(connected: boolean): ExitCode {
    const { warning, error } = this.#counts;
    const rest = connected ? '' : ' The outputs were not tried; --connect does.';
    this.#context.terminal.print(`${plural(error, 'error')}, ${plural(warning, 'warning')}.${rest}`);
    return error === 0 ? EXIT.done : EXIT.failed;
  }
}
