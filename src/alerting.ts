import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createAlertmanager } from './alert/alertmanager.ts';
import { Deliverer } from './alert/deliverer.ts';
import { documentOf } from './alert/document.ts';
import type { Notification } from './alert/notification.ts';
import { createOutputReceiver } from './alert/output-receiver.ts';
import type { Receiver } from './alert/receiver.ts';
import { createSlack } from './alert/slack.ts';
import { ALERTS, AlertStage } from './alert/stage.ts';
import { createWebhook } from './alert/webhook.ts';
import type { AlertReceiverConfig, AlertsConfig } from './config/alert-schema.ts';
import { outputSchema } from './config/output-schema.ts';
import { formatProblems } from './config/problem.ts';
import { resolveReference } from './config/reference.ts';
import type { Config, HttpOutputConfig, Metadata, OutputConfig } from './config/schema.ts';
import { AuditailError } from './errors.ts';
import { EventView } from './event/event-view.ts';
import type { Verdict } from './filter/filter.ts';
import { prepareFilter } from './filter/create-filter.ts';
import { mayHoldSecrets } from './filter/redact/request-uri.ts';
import { openAlertRules, stampOf } from './inspect/alert-rules.ts';
import { openOutput } from './inspect/open-output.ts';
import type { AlertStatus } from './inspect/status.ts';
import { createTransport } from './output/http-transport.ts';
import { Backoff } from './pipeline/backoff.ts';
import { BatchBuilder } from './pipeline/batch.ts';
import type { PipelineState, ToldNotification } from './pipeline/pipeline-state.ts';
import type { Checkpoint } from './state/checkpoint.ts';
import { REAL_FILES } from './state/files.ts';
import { LineJournal } from './state/line-journal.ts';
import type { StateLock } from './state/lock.ts';
import { outputDirectory, type StateDirectory } from './state/state-directory.ts';

export interface AlertingOptions {
  readonly alerts: AlertsConfig;
  readonly config: Pick<Config, 'metadata' | 'outputs'>;
  readonly directory: StateDirectory;
  readonly lock: StateLock;
  readonly logger: Logger;
  readonly userAgent: string;
}

export const ALERT_DEAD_LETTER_BYTES = 64 * 1024 * 1024;

const TICK_MS = 1000;
/** So long is waited at the end for receivers to be told what is known by then. */
const LAST_WORD_MS = 2000;
/** So many entries of the ledger wait for a disk that takes nothing; then the oldest are in the log only. */
const MOST_UNRECORDED = 10_000;

/** The alert rules over one source, joined with files, clock and network. */
export class Alerting {
  readonly stage: AlertStage;
  readonly #options: AlertingOptions;
  readonly #source: string;
  readonly #ended = new AbortController();
  #deliverers: readonly Deliverer[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #stamp: string;
  #unrecorded: ToldNotification[] = [];

  constructor(options: AlertingOptions, source: string) {
    this.#options = options;
    this.#source = source;
    const { alerts, logger } = options;
    this.#stamp = stampOf(alerts.rules);
    const { rules, problems } = openAlertRules(alerts);
    if (problems.length > 0) {
      throw new AuditailError('AUD_CONFIG', `the alert rules are not usable\n${formatProblems(problems)}`);
    }
    this.stage = new AlertStage({
      source,
      rules,
      limits: {
        maxGroups: alerts.limits.groups,
        maxValues: alerts.limits.values,
        toleranceMs: alerts.tolerance,
      },
      redact: redaction(),
      isHarmless: (text) => !mayHoldSecrets(text),
      notes: { warn: (message, fields) => logger.warn({ source, ...fields }, message) },
      now: Date.now,
      monotonic: () => performance.now(),
    });
  }

  /** How its pipeline works: what a rule matches is small, and somebody waits for it. */
  get pipeline() {
    const { maxDelay, startAt } = this.#options.alerts;
    const batch = { maxBytes: 256 * 1024, maxEvents: 1000, maxDelay, maxInFlight: 1 };
    return { batch, retry: { initialDelay: 200, maxDelay: 5000 }, startAt };
  }

  /** The filter of the pipeline. */
  create(): AlertStage {
    return this.stage;
  }

  /** Reads the state of before, and opens the ways to the receivers. */
  async open(state: PipelineState, resume: Checkpoint | null): Promise<void> {
    const { directory, lock, logger, alerts } = this.#options;
    const { journal, findings } = await LineJournal.open(
      outputDirectory(directory.path, ALERTS),
      `rules.${this.#source}.jsonl`,
      { files: REAL_FILES, fence: lock, take: (record) => this.stage.restore(record) },
    );
    for (const finding of findings) logger.warn({ source: this.#source, ...finding }, 'the state directory was mended');
    this.#deliverers = alerts.receivers.map((receiver) => this.#createDeliverer(receiver, state));
    const lastReadMs = Date.parse(resume?.last?.time ?? '');
    this.stage.begin(journal, this.#deliverers, Number.isNaN(lastReadMs) ? null : lastReadMs);
  }

  /** Lets time pass and tells the receivers until `close`; `caughtUp` says whether all of the trail has been read. */
  begin(caughtUp: () => boolean): void {
    const { signal } = this.#ended;
    const running = [...this.#deliverers.map((deliverer) => deliverer.run(signal)), this.#tick(caughtUp, signal)];
    this.#running = Promise.all(running).catch((error: unknown) => {
      if (!signal.aborted)
        this.#options.logger.error({ err: error }, 'the alerts have failed: this is a fault of auditail');
    });
  }

  status(): AlertStatus {
    return this.stage.status();
  }

  /** Lets the receivers hear the last word, as far as that goes quickly; what is left is told after the next start. */
  async close(): Promise<void> {
    const until = Date.now() + LAST_WORD_MS;
    while (
      Date.now() < until &&
      this.stage.status().receivers.some(({ pending, state }) => pending > 0 && state === 'idle')
    )
      await sleep(20);
    this.#ended.abort(new Error('ending'));
    await this.#running;
  }

  async #tick(caughtUp: () => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await sleep(TICK_MS, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      await this.stage.tick(caughtUp());
      this.#reload();
    }
  }

  #reload(): void {
    const { alerts, logger } = this.#options;
    const stamp = stampOf(alerts.rules);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const { rules, problems } = openAlertRules(alerts);
    if (problems.length === 0) {
      this.stage.use(rules);
      logger.info({ source: this.#source, rules: rules.length }, 'the alert rules were read again');
      return;
    }
    const words = formatProblems(problems);
    this.stage.unusable(words);
    logger.error({ source: this.#source, words }, 'the alert rules are not usable: those from before stay at work');
  }

  /** Enters it in the ledger, behind those for which the disk had no room. */
  async #record(state: PipelineState, entry: ToldNotification): Promise<void> {
    this.#unrecorded.push(entry);
    if (this.#unrecorded.length > MOST_UNRECORDED) this.#unrecorded.shift();
    const entries = [...this.#unrecorded];
    try {
      await state.told(entries);
      this.#unrecorded = this.#unrecorded.filter((one) => !entries.includes(one));
    } catch (error) {
      if (!(error instanceof AuditailError)) throw error;
      const fields = { source: this.#source, receiver: entry.receiver, notification: entry.id, words: error.message };
      this.#options.logger.warn(fields, 'what a receiver was told is not in the ledger yet');
    }
  }

  #createDeliverer(config: AlertReceiverConfig, state: PipelineState): Deliverer {
    const { logger, config: whole } = this.#options;
    const own = logger.child({ source: this.#source });
    return new Deliverer({
      config,
      receiver: openReceiver(config, whole, this.#options),
      backoff: () => new Backoff(config.retry, Math.random),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      now: Date.now,
      settled: async (receiver, notification, setAside) => {
        // Noted first, which takes no time: what dies before that tells it again.
        const noted = this.stage.settled(receiver, notification);
        await this.#record(state, {
          receiver,
          ...entryOf(notification),
          ...(setAside === undefined ? {} : { setAside }),
        });
        await noted;
      },
      setAside: (notification, reason, words, status) =>
        state.setAside([letterOf(this.#source, config.name, notification, whole.metadata, { reason, words, status })]),
      notes: {
        info: (message, fields) => own.info(fields, message),
        warn: (message, fields) => own.warn(fields, message),
      },
    });
  }
}

function entryOf({ id, rule, severity, status, count }: Notification): Omit<ToldNotification, 'receiver'> {
  return { id, rule, severity, status, count, at: new Date().toISOString() };
}

/** The redaction that outputs have where nothing else is said: an alert must not tell a secret either. */
function redaction(): ConstructorParameters<typeof AlertStage>[0]['redact'] {
  const config = outputSchema.parse({ name: ALERTS, type: 'stdout' });
  const filter = prepareFilter(config.filter).create();
  return (event): Verdict => filter.judge(event);
}

/** The way to a receiver. Nothing is connected yet. Throws `AUD_SECRET` where a credential is missing. */
export function openReceiver(
  config: AlertReceiverConfig,
  { outputs, metadata }: Pick<Config, 'outputs' | 'metadata'>,
  { userAgent, logger }: { readonly userAgent: string; readonly logger: Logger },
): Receiver {
  const own = { userAgent, logger: logger.child({ receiver: config.name }) };
  switch (config.type) {
    case 'webhook':
      return createWebhook(config.name, createTransport(networkOf(config, config.url), own), metadata);
    case 'alertmanager':
      return createAlertmanager(config.name, createTransport(networkOf(config, config.url), own), metadata);
    case 'slack': {
      const resolved = resolveReference(config.url, process.env);
      if ('problem' in resolved) {
        throw new AuditailError('AUD_SECRET', `alerts.receivers.${config.name}.url: ${resolved.problem}`);
      }
      return createSlack(config.name, createTransport(networkOf(config, resolved.text), own), metadata);
    }
    case 'output': {
      const output = outputs.find(({ name }) => name === config.output);
      if (output === undefined) throw new AuditailError('AUD_CONFIG', `there is no output ${config.output}`);
      return openOutputReceiver(config.name, output, metadata, own);
    }
  }
}

function openOutputReceiver(
  name: string,
  config: OutputConfig,
  metadata: Metadata,
  own: Parameters<typeof openOutput>[2],
): Receiver {
  const view = new EventView();
  const tools: Parameters<typeof createOutputReceiver>[2] = {
    read: (bytes) => (view.read(bytes, 0, bytes.length) === null ? view : null),
    batch: (key, write) => {
      const builder = new BatchBuilder(16 * 1024);
      write(builder);
      builder.add(0, 0);
      return builder.seal(key, ALERTS, { segment: ALERTS, from: 0, to: 0 });
    },
  };
  return createOutputReceiver(name, openOutput(config, metadata, own), tools, metadata);
}

/** A receiver is reached as an output over HTTP is: the same endpoints, credentials, TLS and proxies. */
function networkOf(
  { name, headers, auth, tls, timeout }: Extract<AlertReceiverConfig, { type: 'webhook' | 'alertmanager' | 'slack' }>,
  url: HttpOutputConfig['url'],
): HttpOutputConfig {
  const parsed = outputSchema.safeParse({ name, type: 'http', url });
  if (parsed.success && parsed.data.type === 'http') return { ...parsed.data, headers, auth, tls, timeout };
  throw new AuditailError('AUD_CONFIG', `alerts.receivers.${name}.url must be an http:// or https:// URL`);
}

/** What is kept of a notification that nobody got: `auditail dead-letter show alerts` has it. */
function letterOf(
  source: string,
  receiver: string,
  notification: Notification,
  metadata: Metadata,
  { reason, words, status }: { readonly reason: string; readonly words: string; readonly status: number },
) {
  return {
    source,
    segment: `receiver ${receiver}`,
    name: join('alerts', receiver),
    // A number of its own for each: the dead letter takes what has the same place for the same.
    offset: Number.parseInt(notification.id.slice(0, 12), 16),
    reason,
    words,
    status,
    bytes: Buffer.from(JSON.stringify(documentOf(notification, metadata))),
  };
}
