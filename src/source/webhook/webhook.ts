import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebhookSourceConfig } from '../../config/schema.ts';
import { messageOf } from '../../errors.ts';
import type { Anomaly } from '../../log/log.ts';
import type { EventReference } from '../../log/loss.ts';
import { Pulse } from '../../log/pulse.ts';
import { logStatus } from '../log-status.ts';
import type { Source } from '../source.ts';
import { SpoolSpace } from '../spool-space.ts';
import { createSpooledLog, type SpooledLog } from '../spooled-log.ts';
import { BodyBudget, receiveBody } from './body.ts';
import { Credentials } from './credentials.ts';
import { GroupCommit } from './group-commit.ts';
import { WebhookServer } from './server.ts';

/** The events of a body as lines; or why it has none, and where. */
export type PostedLines =
  | { readonly lines: Buffer; readonly events: number }
  | { readonly malformed: string; readonly at: number };

export interface WebhookSourceOptions {
  readonly config: WebhookSourceConfig;
  readonly stateDirectory: string;
  reference(line: Buffer): EventReference | null;
  /** Makes lines of the body of a post. */
  lines(body: Buffer): PostedLines;
  readonly anomaly: Anomaly;
  /** How often certificates are looked at again, and how long a handshake or the head of a request may take. */
  readonly timing?: { readonly refreshMs: number; readonly headMs: number };
}

const TIMING = { refreshMs: 5000, headMs: 10_000 };
/** For posts that are on the way when the agent ends: less than the 30 s after which the API server gives one up. */
const CLOSE_MS = 5000;
/** What many could cause is told once in so long, and counted each time. */
const TELL_MS = 10_000;
/** Bodies that are received, or wait to be written, at a time. */
const BODIES = 2;
/** After so many seconds the API server's client asks again; without it, it waits 10 s. */
const RETRY_AFTER = { 'retry-after': '1' };

/**
 * Takes what the API server posts with `--audit-webhook-config-file`. A post is answered with 200 once its events are in
 * the spool and on disk, and never before; whatever else it is answered, the API server sends it again, up to five times.
 */
export function createWebhookSource(options: WebhookSourceOptions): Source {
  const { name, type, spool: limits } = options.config;
  const spooled = createSpooledLog({ ...options, name, limits });
  const { log, anomalies } = spooled;
  return {
    name,
    type,
    origin: 'webhook',
    log,
    follow: (signal) => new Webhook(options, spooled).run(signal),
    status: () => logStatus(name, type, options.config.listen, log, anomalies),
  };
}

class Webhook {
  readonly #options: WebhookSourceOptions;
  readonly #spooled: SpooledLog;
  readonly #credentials: Credentials;
  readonly #commit: GroupCommit;
  readonly #budget: BodyBudget;
  readonly #toldAt = new Map<string, number>();

  constructor(options: WebhookSourceOptions, spooled: SpooledLog) {
    const { config } = options;
    this.#options = options;
    this.#spooled = spooled;
    this.#credentials = new Credentials(config);
    this.#commit = new GroupCommit(spooled, new SpoolSpace(spooled, config.spool), config.spool.fsync);
    this.#budget = new BodyBudget(config.maxBodyBytes * BODIES);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { spool, log, note } = this.#spooled;
    const { refreshMs, headMs } = this.#options.timing ?? TIMING;
    await this.#credentials.refresh();
    const { tornBytes } = await spool.open('cut');
    if (tornBytes > 0) {
      // Nobody was told that it had been taken, so whoever sent it sends it again.
      note('torn', 'a post was half written when the agent was killed: it is cut off', { bytes: tornBytes });
    }
    try {
      await log.refresh(true);
      const server = new WebhookServer({
        config: this.#options.config,
        credentials: this.#credentials,
        headMs,
        refused: (kind, words) => this.#refuse(kind, { reason: words }),
        handle: (request, response) => this.#handle(request, response),
      });
      await server.listen();
      await this.#serve(server, refreshMs, signal);
    } finally {
      await spool.close();
      await log.refresh(true);
    }
  }

  async #serve(server: WebhookServer, refreshMs: number, signal: AbortSignal): Promise<void> {
    try {
      const pause = new Pulse();
      for (; !signal.aborted; await pause.wait(refreshMs, signal)) await this.#renew(server);
    } finally {
      await server.close(CLOSE_MS);
      await this.#commit.idle();
    }
  }

  async #renew(server: WebhookServer): Promise<void> {
    try {
      if (!(await this.#credentials.refresh())) return;
      server.renew();
      this.#spooled.note('renewed', 'the certificate of the webhook was read again', {});
    } catch (error) {
      this.#refuse('webhook-credentials', { reason: messageOf(error) });
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await receiveBody(request, this.#options.config.maxBodyBytes, this.#budget);
    if (!Buffer.isBuffer(body)) {
      const { remoteAddress } = request.socket;
      this.#refuse(`webhook-${body}`, { from: remoteAddress, bytes: Number(request.headers['content-length'] ?? 0) });
      if (body === 'too-large') refuse(request, response, 413, 'the body is larger than maxBodyBytes');
      if (body === 'busy') refuse(request, response, 429, 'too many bytes are on the way', RETRY_AFTER);
      return;
    }
    try {
      await this.#store(body, request, response);
    } finally {
      this.#budget.give(body.length);
    }
  }

  async #store(body: Buffer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const list = this.#options.lines(body);
    if ('malformed' in list) {
      this.#refuse('webhook-malformed', { reason: list.malformed, at: list.at, bytes: body.length });
      refuse(request, response, 400, `the body cannot be read: ${list.malformed} (at byte ${list.at})`);
      return;
    }
    const commit = list.events === 0 ? 'stored' : await this.#commit.add(list.lines);
    if (commit === 'stored') response.writeHead(200, { 'content-length': '0' }).end();
    else {
      const words = commit === 'full' ? 'the spool is full' : 'the spool cannot be written';
      this.#refuse(`webhook-${commit}`, { bytes: body.length });
      refuse(request, response, 503, words, RETRY_AFTER);
    }
  }

  #refuse(kind: string, fields: Readonly<Record<string, unknown>>): void {
    const now = performance.now();
    if (now - (this.#toldAt.get(kind) ?? Number.NEGATIVE_INFINITY) < TELL_MS) this.#spooled.anomalies.count(kind);
    else {
      this.#toldAt.set(kind, now);
      this.#spooled.note(kind, 'a post was not taken, or not allowed', fields);
    }
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  words: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${words}\n`;
  const length = Buffer.byteLength(text);
  response
    .writeHead(status, { ...headers, connection: 'close', 'content-type': 'text/plain', 'content-length': length })
    .write(text);
  // Closed with a rest of the body unread, the connection would be reset, and the answer lost with it. The client has
  // all of the answer now and may close; REQUEST_MS is the end of those that go on sending.
  const end = () => void response.end();
  if (request.complete) end();
  else request.once('end', end).once('close', end).resume();
}
