import type { Logger } from 'pino';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { NetworkOutputConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import type { Identity, TlsMaterial } from './credentials.ts';
import { Credentials } from './credentials.ts';
import { type Endpoint, Endpoints, pathAt } from './endpoints.ts';
import { type Answer, exchange } from './exchange.ts';
import { gzip } from './gzip.ts';
import { type NetworkFailure, type NetworkReason, networkFailure } from './network-failure.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { Environment } from './secret.ts';
import { MIN_SECRET_LENGTH, urlSecrets } from './url-secrets.ts';
import type { Transport, TransportReply, TransportRequest } from './transport.ts';
import { words } from './words.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Long-lived connections would never notice that a name has new addresses. */
const CONNECTION_LIFE_MS = 300_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface TransportOptions {
  readonly userAgent: string;
  readonly logger?: Pick<Logger, 'info' | 'warn'>;
  /** Where `{env: …}` and the proxy settings come from; the process's own where it is not given. */
  readonly environment?: Environment;
  readonly now?: () => number;
}

/** Opens the way to an output's endpoints. Nothing is connected yet. Throws `AUD_SECRET` where a credential is missing. */
export function createTransport(config: NetworkOutputConfig, options: TransportOptions): Transport {
  return new HttpTransport(config, options);
}

class HttpTransport implements Transport {
  readonly #config: NetworkOutputConfig;
  readonly #options: TransportOptions;
  readonly #environment: Environment;
  readonly #now: () => number;
  readonly #credentials: Credentials;
  readonly #endpoints: Endpoints;
  /** Of the URLs: they do not change. */
  readonly #urlSecrets: readonly string[];
  #dispatcher: Dispatcher | undefined;
  #tls: TlsMaterial | undefined;
  /** Dispatchers with former certificates that finish what they have. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(config: NetworkOutputConfig, options: TransportOptions) {
    this.#config = config;
    this.#options = options;
    this.#environment = options.environment ?? process.env;
    this.#now = options.now ?? Date.now;
    this.#credentials = new Credentials(config, this.#environment);
    const urls = typeof config.url === 'string' ? [config.url] : config.url;
    this.#endpoints = new Endpoints(urls, this.#now);
    this.#urlSecrets = urlSecrets(Object.values(proxiesOf(this.#environment)), urls);
  }

  async request(request: TransportRequest, signal: AbortSignal): Promise<TransportReply> {
    if (signal.aborted) return noReply('aborted', 'the agent is stopping');
    const packed = request.body === undefined || request.gzip !== true ? request.body : gzip(request.body);
    try {
      await this.#credentials.refresh();
    } catch (error) {
      return noReply('secret', messageOf(error));
    }
    const { identity } = this.#credentials;
    let failure: NetworkFailure | undefined;
    for (const endpoint of this.#endpoints.order()) {
      const outcome = await this.#attempt(endpoint, request, packed, identity, signal);
      if ('status' in outcome) return outcome;
      failure = outcome;
      if (!outcome.unsent) break; // it may have arrived: whoever knows what a second copy means sends it again
    }
    return noReply(failure?.reason ?? 'unreachable', hide(failure?.words ?? '', this.#hidden(identity, request)));
  }

  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    if (dispatcher !== undefined) this.#leaving.add(dispatcher.close());
    await Promise.all(this.#leaving);
  }

  async #attempt(
    endpoint: Endpoint,
    request: TransportRequest,
    body: Buffer | undefined,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<TransportReply | NetworkFailure> {
    const cut = new AbortController();
    let reason: NetworkReason = 'timeout';
    const stop = (): void => {
      reason = 'aborted';
      cut.abort(new Error('the agent is stopping'));
    };
    // In whole seconds: Node.js keeps a list for each length of time that there is.
    const limitMs = this.#config.timeout + Math.round((request.body?.length ?? 0) / 2 ** 20) * 1000;
    const timer = setTimeout(() => cut.abort(new Error(`no answer within ${Math.round(limitMs)} ms`)), limitMs);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    try {
      const answer = await exchange(
        this.#dispatcherNow(),
        {
          origin: endpoint.origin,
          path: pathAt(endpoint, request.path),
          method: request.method,
          headers: {
            'user-agent': this.#options.userAgent,
            ...identity.headers,
            ...request.headers,
            ...(body === request.body ? {} : { 'content-encoding': 'gzip' }),
          },
          body: body ?? null,
        },
        request.maxAnswerBytes ?? MAX_ANSWER_BYTES,
        cut.signal,
      );
      // A gateway without anything behind it is as good as down.
      if (answer.status >= 502 && answer.status <= 504) this.#rest(endpoint, `HTTP ${answer.status}`);
      else this.#served(endpoint);
      return reply(answer, this.#hidden(identity, request), this.#now());
    } catch (error) {
      const failure: NetworkFailure = cut.signal.aborted
        ? { reason, words: words(`${endpoint.origin}: ${messageOf(error)}`), unsent: false }
        : networkFailure(error, endpoint.origin);
      if (failure.reason !== 'aborted') this.#rest(endpoint, failure.reason);
      return failure;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  #hidden({ hidden, hiddenHeaders }: Identity, { headers = {} }: TransportRequest): readonly string[] {
    const filledIn = hiddenHeaders
      .map((name) => headers[name] ?? '')
      .filter((text) => text.length >= MIN_SECRET_LENGTH);
    return [...hidden, ...filledIn, ...this.#urlSecrets];
  }

  #served(endpoint: Endpoint): void {
    if (!this.#endpoints.served(endpoint)) return;
    this.#options.logger?.info({ output: this.#config.name, endpoint: endpoint.origin }, 'the endpoint answers again');
  }

  #rest(endpoint: Endpoint, reason: string): void {
    const restMs = this.#endpoints.failed(endpoint);
    if (restMs === 0) return;
    this.#options.logger?.warn(
      { output: this.#config.name, endpoint: endpoint.origin, reason, restMs },
      'the endpoint fails and is rested',
    );
  }

  /** Nothing may be awaited between this and its use: it may be closed when certificates change. */
  #dispatcherNow(): Dispatcher {
    const { tls } = this.#credentials.identity;
    const former = this.#dispatcher;
    if (former !== undefined && sameTls(this.#tls, tls)) return former;
    this.#tls = tls;
    this.#dispatcher = connect(tls, this.#config, this.#environment);
    if (former !== undefined) {
      this.#options.logger?.info({ output: this.#config.name }, 'the TLS files changed and were read again');
      const leaving = former.close().finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    }
    return this.#dispatcher;
  }
}

function connect(tls: TlsMaterial, config: NetworkOutputConfig, environment: Environment): Dispatcher {
  const options = {
    allowH2: false,
    connections: config.batch.maxInFlight + 1, // one more for the probe
    clientTtl: CONNECTION_LIFE_MS,
    connectTimeout: Math.min(config.timeout, CONNECT_TIMEOUT_MS),
    connect: { ...tls, timeout: Math.min(config.timeout, CONNECT_TIMEOUT_MS) },
    headersTimeout: 0, // one deadline over the whole request stands in for these two
    bodyTimeout: 0,
  };
  const { httpProxy, httpsProxy } = proxiesOf(environment);
  if (httpProxy === '' && httpsProxy === '') return new Agent(options);
  const noProxy = environment['no_proxy'] ?? environment['NO_PROXY'] ?? '';
  const http1 = { allowH2: false }; // what is said above does not go for a proxy over TLS
  return new EnvHttpProxyAgent({ ...options, proxyTls: http1, requestTls: tls, httpProxy, httpsProxy, noProxy });
}

function proxiesOf(environment: Environment): { readonly httpProxy: string; readonly httpsProxy: string } {
  return {
    httpProxy: environment['http_proxy'] ?? environment['HTTP_PROXY'] ?? '',
    httpsProxy: environment['https_proxy'] ?? environment['HTTPS_PROXY'] ?? '',
  };
}

function sameTls(a: TlsMaterial | undefined, b: TlsMaterial): boolean {
  return a !== undefined && a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

function reply(answer: Answer, hidden: readonly string[], nowMs: number): TransportReply {
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], nowMs);
  return {
    ...answer,
    // Only what is not a success ends up in words; receivers and proxies have been seen to quote the request.
    body: answer.status < 300 ? answer.body : hideBytes(answer.body, hidden),
    reason: '',
    words: '',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function noReply(reason: NetworkReason, said: string): TransportReply {
  return { status: 0, headers: {}, body: Buffer.alloc(0), complete: false, reason, words: words(said) };
}

function hide(text: string, hidden: readonly string[]): string {
  return hidden.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

function hideBytes(body: Buffer, hidden: readonly string[]): Buffer {
  if (!hidden.some((secret) => body.includes(secret))) return body;
  return Buffer.from(
    hide(
      body.toString('latin1'),
      hidden.map((secret) => Buffer.from(secret).toString('latin1')),
    ),
    'latin1',
  );
}
