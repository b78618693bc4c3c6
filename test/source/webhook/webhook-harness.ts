import { request as httpsRequest } from 'node:https';
import { request as httpRequest, type Agent } from 'node:http';
import { copyFileSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';
import { configSchema, type WebhookSourceConfig } from '../../../src/config/schema.ts';
import { eventListLines } from '../../../src/event/event-list.ts';
import { EventView } from '../../../src/event/event-view.ts';
import { Cursor } from '../../../src/log/cursor.ts';
import { createWebhookSource } from '../../../src/source/webhook/webhook.ts';
import { freePort } from '../../support/free-port.ts';
import { REPOSITORY } from '../../support/source-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

export const TLS = join(REPOSITORY, 'test/fixtures/tls');

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

export interface PostOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: Readonly<Record<string, unknown>>;
  readonly agent?: Agent;
}

/** An EventList of so many events, as the API server posts it. */
export function eventList(from: number, count: number, filler = 0): string {
  const items = Array.from({ length: count }, (_, at) => {
    const event = {
      level: 'Metadata',
      auditID: `id-${from + at}`,
      stage: 'ResponseComplete',
      filler: 'x'.repeat(filler),
    };
    return JSON.stringify(event);
  });
  return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join(',')}]}\n`;
}

/** A webhook source that listens on a port of its own, and a reader of its log. */
export async function listening(
  settings: object = {},
  stateDirectory = temporaryDirectory(),
  timing?: { refreshMs: number; headMs: number },
) {
  const port = await freePort();
  const sources = [{ name: 'hook', type: 'webhook', listen: `127.0.0.1:${port}`, ...settings }];
  const config = configSchema.parse({ sources, outputs: [{ name: 'o', type: 'stdout' }] })
    .sources[0] as WebhookSourceConfig;
  const said: string[] = [];
  const view = new EventView();
  const source = createWebhookSource({
    config,
    stateDirectory,
    ...(timing === undefined ? {} : { timing }),
    reference: (line) => (view.read(line, 0, line.length) === null ? view.reference() : null),
    lines: eventListLines,
    anomaly: (kind) => void said.push(kind),
  });
  source.log.register({ name: 'reader', remembered: () => [] }, []);
  await source.log.begin();
  const stop = new AbortController();
  let failure: unknown = null;
  const following = source.follow(stop.signal).catch((error: unknown) => {
    failure = error;
  });
  const end = async () => {
    stop.abort();
    await following;
  };
  onTestFinished(end);
  const cursor = new Cursor(source.log, new Map(), { maxLineBytes: 1 << 28, enter: () => [] });
  /** Reads and settles what there is. */
  const read = async (): Promise<string> => {
    let text = '';
    await source.log.refresh(true);
    for (let piece = await cursor.next(); piece !== null; piece = await cursor.next()) {
      if (piece.kind === 'lines' || piece.kind === 'torn')
        text += piece.bytes.toString('latin1', piece.start, piece.end);
      else if (piece.kind === 'end') await source.log.settled(piece.segment, 'reader');
    }
    return text;
  };
  const post = (body: string | Buffer, options: PostOptions = {}): Promise<Reply> =>
    send(port, config.tls !== undefined, body, options);
  const open = async (): Promise<Socket> => {
    const socket =
      config.tls === undefined ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ...client('one') });
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => socket.once(config.tls === undefined ? 'connect' : 'secureConnect', resolve));
    return socket;
  };
  await ready(port, () => failure);
  return { source, said, read, post, open, end, port, stateDirectory, config, failure: () => failure };
}

/** What a client presents and trusts. */
export function client(name: 'one' | 'two' | null): Readonly<Record<string, unknown>> {
  const ca = pem('ca.pem');
  return name === null ? { ca } : { ca, cert: pem(`client-${name}.pem`), key: pem(`client-${name}.key`) };
}

/** Copies of the server's files that a test may replace. */
export function serverFiles(): { cert: string; key: string; put(name: 'server' | 'wrong-name'): void } {
  const directory = temporaryDirectory();
  const cert = join(directory, 'tls.pem');
  const key = join(directory, 'tls.key');
  const put = (name: string) => {
    copyFileSync(join(TLS, `${name}.pem`), cert);
    copyFileSync(join(TLS, `${name}.key`), key);
  };
  return { cert, key, put };
}

function pem(name: string): Buffer {
  return readFileSync(join(TLS, name));
}

async function ready(port: number, failure: () => unknown): Promise<void> {
  while (failure() === null) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (answered) return;
  }
}

function send(port: number, secure: boolean, body: string | Buffer, options: PostOptions): Promise<Reply> {
  const { method = 'POST', headers = {}, tls = client('one'), agent } = options;
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(
      {
        port,
        host: '127.0.0.1',
        path: '/?timeout=30s',
        method,
        headers: {
          'content-type': 'application/json',
          ...('transfer-encoding' in headers ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
        ...(agent === undefined ? {} : { agent }),
        ...(secure ? tls : {}),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
