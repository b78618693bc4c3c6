import http from 'node:http';
import type https from 'node:https';
import type { Socket } from 'node:net';
import { getBuiltinModule } from 'node:process';
import type { TLSSocket } from 'node:tls';
import type { WebhookSourceConfig } from '../../config/schema.ts';
import { AuditailError, messageOf } from '../../errors.ts';
import { UnprovenConnections } from './connections.ts';
import type { Credentials } from './credentials.ts';

export interface WebhookServerOptions {
  readonly config: WebhookSourceConfig;
  readonly credentials: Credentials;
  /** For a handshake, and for the head of a request. */
  readonly headMs: number;
  /** Told of connections that had to go because too many said nothing, of failed handshakes, and of what `handle` threw. */
  refused(kind: string, words: string): void;
  handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void>;
}

/** The API server gives a post up after 30 s. */
const REQUEST_MS = 30_000;
/** Longer than the API server's client keeps an idle connection (90 s): it is the one to close it, between two posts. */
const KEEP_ALIVE_MS = 120_000;
const MAX_UNPROVEN = 256;

/** Listens for posts. Who may post is decided before a byte of a body is taken. */
export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: http.Server | https.Server;
  readonly #unproven = new UnprovenConnections(MAX_UNPROVEN);
  #closing = false;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    const { config, credentials, headMs } = options;
    const limits = {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headMs,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(1000, headMs),
    };
    const { tls } = credentials;
    const mutual = config.tls?.clientCA !== undefined;
    this.#server =
      tls === null
        ? http.createServer(limits)
        : getBuiltinModule('node:https').createServer({
            ...limits,
            ...tls,
            handshakeTimeout: headMs,
            requestCert: mutual,
            rejectUnauthorized: mutual,
          });
    this.#server.maxConnections = config.maxConnections + MAX_UNPROVEN;
    this.#listenToEvents(mutual);
  }

  /** Throws `AUD_LISTEN`. */
  async listen(): Promise<void> {
    const { listen: address, name } = this.#options.config;
    const at = address.lastIndexOf(':');
    const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ port: Number(address.slice(at + 1)), ...(host === '' ? {} : { host }) }, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      throw new AuditailError('AUD_LISTEN', `source ${name} cannot listen on ${address}: ${messageOf(error)}`, {
        cause: error,
        hint: 'Choose another address, or end the program that listens there.',
      });
    }
  }

  /** New handshakes use the certificate and the authority that were read last; open connections stay. */
  renew(): void {
    const { tls } = this.#options.credentials;
    if (tls !== null && 'setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }

  /** Takes no new connection, lets what is on the way be answered within `graceMs`, then ends it. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  #listenToEvents(mutual: boolean): void {
    const { refused, handle } = this.#options;
    const server = this.#server;
    server.on('connection', (socket) => {
      if (this.#unproven.add(socket)) refused('webhook-flood', 'too many connections that say nothing');
    });
    server.on('tlsClientError', (error: Error) => refused('webhook-handshake', error.message));
    if (mutual) server.on('secureConnection', (socket: TLSSocket) => this.#unproven.prove(socket));
    server.on('request', (request, response) => {
      response.once('close', () => {
        if (this.#closing) setImmediate(() => server.closeIdleConnections());
      });
      const status = this.#judge(request);
      if (status === null) {
        this.#unproven.prove(request.socket);
        handle(request, response).catch((error: unknown) => {
          refused('webhook-fault', messageOf(error));
          response.destroy();
        });
        return;
      }
      refused(`webhook-${status}`, http.STATUS_CODES[status] ?? '');
      response.writeHead(status, { connection: 'close', ...(status === 405 ? { allow: 'POST' } : {}) }).end();
      request.resume();
    });
  }

  /** The status to refuse a request with before its body is looked at. */
  #judge({ method, headers, socket }: http.IncomingMessage): number | null {
    const { credentials, config } = this.#options;
    if (!credentials.knows(headers.authorization)) return 401;
    const clients = config.tls?.clients;
    if (clients !== undefined && isOverTls(socket)) {
      const name = socket.getPeerCertificate().subject?.CN;
      if (typeof name !== 'string' || !clients.includes(name)) return 403;
    }
    if (method !== 'POST') return 405;
    return (headers['content-encoding'] ?? 'identity') === 'identity' ? null : 415;
  }
}

function isOverTls(socket: Socket): socket is TLSSocket {
  return 'getPeerCertificate' in socket;
}
