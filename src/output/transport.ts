/** One HTTP request of an output. */
export interface TransportRequest {
  readonly method: 'POST' | 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Path and query, relative to the endpoint's URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Whether to compress the body with gzip. */
  readonly gzip?: boolean;
  /** Answers are read up to this many bytes (default 64 KiB); what is longer is cut. A `_bulk` answer needs more. */
  readonly maxAnswerBytes?: number;
}

/** What came back. `status` 0: nothing did, and `words` says why. */
export interface TransportReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether `body` is all of the answer. */
  readonly complete: boolean;
  /**
   * For status 0: a stable word (`refused`, `timeout`, `reset`, `dns`, `tls`, `unreachable`, `proxy`, `garbled`: no HTTP, `aborted`,
   * `secret`: a credential could not be read again). See network-failure.ts. Empty otherwise.
   */
  readonly reason: string;
  readonly words: string;
  /** From `Retry-After`, seconds or a date. */
  readonly retryAfterMs?: number;
}

/**
 * The one way to the network: endpoints tried in turn, TLS, credentials that are read again when their file changes,
 * timeouts that grow with the body, answers that are bounded. It never throws for what the network does, never follows
 * a redirect, and never puts a secret into words.
 */
export interface Transport {
  request(request: TransportRequest, signal: AbortSignal): Promise<TransportReply>;
  close(): Promise<void>;
}
