import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { HttpOutputConfig } from '../config/schema.ts';
import { parseDurationMs } from '../config/units.ts';
import { AuditailError, messageOf } from '../errors.ts';
import type { Former, Reconciliation } from '../inspect/reconcile/reconcile.ts';
import type { Transport } from '../output/transport.ts';
import type { ConfigFlags } from './configuration.ts';
import { addConfigOptions, loadConfiguration, printProblems } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';

interface ReconcileFlags extends ConfigFlags {
  readonly apiServer?: string;
  readonly apiToken?: string;
  readonly apiCa?: string;
  readonly apiCert?: string;
  readonly apiKeyFile?: string;
  readonly apiInsecure?: true;
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly wait: string;
  readonly json?: true;
}

export function addReconcileCommand(program: Command, context: Context, done: Done): void {
  addConfigOptions(program.command('reconcile'))
    .description('compare what the API server wrote, what the log and the ledger hold, and what the receivers have')
    .option('--api-server <url>', 'scrape its /metrics, such as https://127.0.0.1:6443')
    .option('--api-token <file>', 'file with a token that may get /metrics')
    .option('--api-ca <file>', 'certificate authority of the API server')
    .option('--api-cert <file>', 'client certificate, instead of a token')
    .option('--api-key-file <file>', 'its key')
    .option('--api-insecure', 'do not verify the certificate of the API server: anybody could answer')
    .option('--from <time>', 'begin of the window; else the start of the API server, or the oldest event')
    .option('--to <time>', 'its end; now where it is not given')
    .option('--since <file>', 'go on where a former answer (of --json) ended')
    .option('--wait <duration>', 'how long the agent may take to deliver what is written', '15s')
    .option('--json', 'as JSON')
    .action(async (flags: ReconcileFlags) => done(await reconcileCommand(flags, context)));
}

const STYLES = { agrees: 'green', differs: 'red', unknown: 'yellow' } as const;

/** 0 where everything that could be compared agrees, 3 where something differs, 1 where nothing could be compared. */
async function reconcileCommand(flags: ReconcileFlags, context: Context): Promise<ExitCode> {
  const { terminal, environment, version } = context;
  const { apiServer, from, to, since, wait, json } = flags;
  const waitMs = parseDurationMs(wait);
  if (waitMs === undefined) throw new AuditailError('AUD_USAGE', `--wait ${JSON.stringify(wait)} is no duration`);
  const loaded = loadConfiguration(flags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { reconcile } = await import('../inspect/reconcile/reconcile.ts');
  const { verdictsOf } = await import('./reconcile-text.ts');
  const transport = { userAgent: `auditail/${version}`, environment };
  const api = apiServer === undefined ? undefined : await openApi({ ...flags, apiServer }, transport);
  try {
    const fromMs = instantOf('--from', from);
    const toMs = instantOf('--to', to);
    const former = since === undefined ? undefined : formerOf(since);
    const result = await reconcile({
      config: loaded.config,
      stateDirectory: loaded.config.stateDirectory,
      waitMs,
      transport,
      ...(api === undefined ? {} : { apiServer: api }),
      ...(former === undefined ? {} : { since: former }),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
    });
    const verdicts = verdictsOf(result);
    if (json === true) terminal.print(JSON.stringify(answerOf(result, verdicts), null, 2));
    else {
      const { fromMs: begin, toMs: end } = result.window;
      terminal.print(`from ${begin === 0 ? 'the beginning' : iso(begin)} to ${iso(end)}`);
      for (const { verdict, text, hint } of verdicts) {
        terminal.print(`${terminal.style(STYLES[verdict], verdict.padEnd(7))}  ${printable(text)}`);
        if (hint !== undefined) terminal.print(`         ${printable(hint)}`);
      }
    }
    if (verdicts.some(({ verdict }) => verdict === 'differs')) return EXIT.lost;
    return verdicts.some(({ verdict }) => verdict === 'agrees') ? EXIT.done : EXIT.failed;
  } finally {
    await api?.close();
  }
}

async function openApi(
  { apiServer, apiToken, apiCa, apiCert, apiKeyFile, apiInsecure }: ReconcileFlags & { readonly apiServer: string },
  options: { readonly userAgent: string; readonly environment: Context['environment'] },
): Promise<Transport> {
  const { outputSchema } = await import('../config/output-schema.ts');
  const { createTransport } = await import('../output/http-transport.ts');
  const parsed = outputSchema.safeParse({
    name: 'api-server',
    type: 'http',
    url: apiServer,
    ...(apiToken === undefined ? {} : { auth: { bearer: fileOf(apiToken) } }),
    tls: { ca: fileOf(apiCa), cert: fileOf(apiCert), key: fileOf(apiKeyFile), verify: apiInsecure !== true },
  });
  if (parsed.success) return createTransport(parsed.data as HttpOutputConfig, options);
  throw new AuditailError('AUD_USAGE', `--api-server ${JSON.stringify(apiServer)}: ${parsed.error.issues[0]?.message}`);
}

function fileOf(path: string | undefined): { readonly file: string } | undefined {
  return path === undefined ? undefined : { file: path };
}

function instantOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(instant)) return instant;
  throw new AuditailError('AUD_USAGE', `${flag} ${JSON.stringify(text)} is no time`, {
    hint: 'Write a time with its zone: 2026-11-23T04:00:00Z.',
  });
}

/** What `--json` prints; `next` is what `--since` reads. */
function answerOf(result: Reconciliation, verdicts: readonly unknown[]): unknown {
  const { window, apiServer } = result;
  const next: Former = {
    toMs: window.toMs,
    ...(apiServer?.ok === true
      ? { apiServer: { startedMs: apiServer.value.startedMs, written: apiServer.value.sinceStart } }
      : {}),
  };
  const sources = result.sources.map(({ source, files, outputs }) => ({
    source,
    files: files.map(({ passed: _passed, ...file }) => file),
    outputs,
  }));
  return { from: iso(window.fromMs), to: iso(window.toMs), verdicts, apiServer, sources, next };
}

function formerOf(file: string): Former {
  try {
    const { next } = JSON.parse(readFileSync(file, 'utf8')) as { readonly next?: Former };
    if (typeof next?.toMs === 'number') return next;
  } catch (error) {
    throw new AuditailError('AUD_USAGE', `--since ${file} cannot be read: ${messageOf(error)}`);
  }
  throw new AuditailError('AUD_USAGE', `--since ${file} is no answer of auditail reconcile --json`);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
