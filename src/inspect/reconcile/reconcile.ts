import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, FileSourceConfig } from '../../config/schema.ts';
import { LogNames } from '../../log/file-name.ts';
import type { TransportOptions } from '../../output/http-transport.ts';
import type { Transport } from '../../output/transport.ts';
import { readCheckpoint } from '../../state/read-checkpoint.ts';
import { readLedger } from '../../state/read-ledger.ts';
import { checkpointDirectory, outputDirectory } from '../../state/state-directory.ts';
import { askAgent } from '../ask-agent.ts';
import { openFilter } from '../opened-filter.ts';
import { withBackups } from '../recorded-log.ts';
import type { ApiServerCount, Asked } from './api-server.ts';
import { askApiServer } from './api-server.ts';
import type { Account, Books } from './balance.ts';
import { settleAccount } from './balance.ts';
import type { FileCount, Window } from './log-count.ts';
import { countFile, firstEventMs } from './log-count.ts';
import type { Range } from './range.ts';
import { countInSink } from './sink.ts';

export interface ReconcileOptions {
  readonly config: Config;
  readonly stateDirectory: string;
  /** The way to the API server; where it is not given, it is not asked. */
  readonly apiServer?: Transport;
  /** The answer of a former run, on whose window this one follows. */
  readonly since?: Former;
  readonly fromMs?: number;
  readonly toMs?: number;
  /** How long the agent may take to deliver what had been written when the window ended. */
  readonly waitMs: number;
  readonly transport: TransportOptions;
}

/** More than a checkpoint takes. */
const BOOKS_MS = 3000;

/** What a later run needs of this one. */
export interface Former {
  readonly toMs: number;
  readonly apiServer?: { readonly startedMs: number; readonly written: Range };
}

export interface ApiServerAccount {
  readonly startedMs: number;
  /** Events written to the log between its start and the end of the window. */
  readonly sinceStart: Range;
  /** Events written to the log in the window; null where its counters do not say. */
  readonly inWindow: Range | null;
  readonly errors: number;
}

export interface SourceAccount {
  readonly source: string;
  readonly files: readonly FileCount[];
  readonly outputs: readonly (Account & { readonly sink: Asked<number> | null; readonly throttled: boolean })[];
}

export interface Reconciliation {
  readonly window: Window;
  readonly apiServer: Asked<ApiServerAccount> | null;
  readonly sources: readonly SourceAccount[];
  /** Sources that have no log of an API server's own to be counted. */
  readonly skipped: readonly string[];
  /** Whether everything up to the end of the window was delivered before the count. */
  readonly settled: boolean;
}

/** Counts the events of a window in every place that knows of them. Sends nothing but questions. */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const { config, since } = options;
  const signal = AbortSignal.timeout(60_000);
  // The end of the window lies between two questions: what is written meanwhile is what cannot be known exactly.
  const before = options.apiServer === undefined ? null : await askApiServer(options.apiServer, signal);
  const nowMs = Date.now();
  const after = options.apiServer === undefined ? null : await askApiServer(options.apiServer, signal);
  const counted = before === null || after === null ? null : between(before, after);
  const window: Window = {
    fromMs: options.fromMs ?? since?.toMs ?? (counted?.ok === true ? counted.value.startedMs : await oldestMs(config)),
    toMs: Math.min(options.toMs ?? nowMs, nowMs),
  };
  const settled = await untilSettled(options);
  const sources: SourceAccount[] = [];
  const skipped: string[] = [];
  for (const source of config.sources) {
    if (source.type === 'file' && source.format !== 'cri') sources.push(await accountOf(source, window, options));
    else skipped.push(source.name);
  }
  return {
    window,
    apiServer: counted?.ok === true ? { ok: true, value: inWindow(counted.value, window, nowMs, since) } : counted,
    sources,
    skipped,
    settled,
  };
}

/** A second before the oldest event that is there, since lines stand a little out of order. */
async function oldestMs({ sources, maxLineBytes }: Config): Promise<number> {
  const firsts: number[] = [];
  for (const source of sources) {
    if (source.type !== 'file' || source.format === 'cri') continue;
    for (const file of await withBackups(resolve(source.path))) {
      const first = await firstEventMs(file, maxLineBytes);
      if (first === null) continue;
      firsts.push(first - 1000);
      break;
    }
  }
  return firsts.length === 0 ? 0 : Math.min(...firsts);
}

function between(
  before: Asked<ApiServerCount>,
  after: Asked<ApiServerCount>,
): Asked<Omit<ApiServerAccount, 'inWindow'>> {
  if (!before.ok) return before;
  if (!after.ok) return after;
  if (before.value.startedMs !== after.value.startedMs)
    return { ok: false, words: 'it was restarted while it was asked' };
  const { startedMs, errors } = after.value;
  const sinceStart = {
    least: before.value.events - before.value.errors,
    most: after.value.events - after.value.errors,
  };
  return { ok: true, value: { startedMs, sinceStart, errors } };
}

/** Counters say nothing of a window that begins or ends elsewhere than where they were read. */
function inWindow(
  counted: Omit<ApiServerAccount, 'inWindow'>,
  { fromMs, toMs }: Window,
  nowMs: number,
  since: Former | undefined,
): ApiServerAccount {
  const { sinceStart, startedMs } = counted;
  if (toMs !== nowMs) return { ...counted, inWindow: null };
  if (fromMs === startedMs) return { ...counted, inWindow: sinceStart };
  const former = since?.apiServer;
  if (former === undefined || former.startedMs !== startedMs || since?.toMs !== fromMs)
    return { ...counted, inWindow: null };
  const { written } = former;
  return {
    ...counted,
    inWindow: { least: Math.max(0, sinceStart.least - written.most), most: sinceStart.most - written.least },
  };
}

/** Waits until the agent has settled what stood in the log when the window ended; false where it does not, or is not there. */
async function untilSettled({ stateDirectory, config, waitMs }: ReconcileOptions): Promise<boolean> {
  const files = new Set(config.sources.filter(({ type }) => type === 'file').map(({ name }) => name));
  const targets = new Map<string, number>();
  const deadline = Date.now() + waitMs;
  for (;;) {
    const status = await askAgent(stateDirectory);
    if (status === null) return false;
    const open = status.pipelines.filter(({ source, output, totals, lagBytes }) => {
      if (!files.has(source) || lagBytes === 0) return false;
      const settled = totals.readBytes + totals.skippedBytes;
      const key = `${output}/${source}`;
      const target = targets.get(key) ?? settled + lagBytes;
      targets.set(key, target);
      return settled < target;
    });
    if (open.length === 0) return true;
    if (Date.now() >= deadline) return false;
    await sleep(100);
  }
}

async function accountOf(source: FileSourceConfig, window: Window, options: ReconcileOptions): Promise<SourceAccount> {
  const { config, transport } = options;
  const outputs = config.outputs.filter(({ sources: own }) => own === undefined || own.includes(source.name));
  const filters = new Map(outputs.map(({ name, filter }) => [name, openFilter(name, filter)]));
  const path = resolve(source.path);
  const counts: FileCount[] = [];
  const seen = new Set<string>();
  // Twice, since a file may get another name meanwhile: what was counted already is known by its content.
  const named = new Set<string>();
  for (const pass of [1, 2]) {
    for (const file of await withBackups(path)) {
      if (pass === 2 && named.has(file)) continue;
      const count = existsSync(file) ? await countFile(file, window, filters, config.maxLineBytes) : null;
      if (count === null || (count.segment !== null && seen.has(count.segment))) continue;
      named.add(file);
      if (count.segment !== null) seen.add(count.segment);
      counts.push(count);
    }
  }
  const accounts: SourceAccount['outputs'][number][] = [];
  for (const output of outputs) {
    const account = await settledAccount(options, output.name, source.name, (books) =>
      settleAccount(books, counts, new LogNames(path), window),
    );
    const sink = await countInSink(output, config.metadata, window, transport);
    accounts.push({ ...account, sink, throttled: output.filter.throttle.length > 0 });
  }
  return { source: source.name, files: counts, outputs: accounts };
}

/** The books of a running agent are written a moment after the delivery: what does not agree is looked at again. */
async function settledAccount(
  { stateDirectory, waitMs }: ReconcileOptions,
  output: string,
  source: string,
  settle: (books: Books) => Account,
): Promise<Account> {
  const deadline = Date.now() + Math.min(waitMs, BOOKS_MS);
  for (;;) {
    const account = settle(await booksOf(stateDirectory, output, source));
    if (account.differences.length + account.unsettled.length === 0 || Date.now() >= deadline) return account;
    if ((await askAgent(stateDirectory)) === null) return account;
    await sleep(200);
  }
}

async function booksOf(stateDirectory: string, output: string, source: string): Promise<Books> {
  const root = outputDirectory(stateDirectory, output);
  if (!existsSync(root)) return { output, ledger: [], checkpoint: null };
  const { checkpoint } = await readCheckpoint(checkpointDirectory(stateDirectory, output, source));
  const ledger = [];
  for await (const entry of readLedger(root)) if (entry.source === source) ledger.push(entry);
  return { output, ledger, checkpoint };
}
