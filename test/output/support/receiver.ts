import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { type TlsOptions, TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Unpacked. */
  readonly body: Buffer;
  /** Common name of the client's certificate, where it showed one. */
  readonly clientName: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** Connections taken so far. */
  readonly connections: number;
}

/** A real HTTP server on a free port of the loopback, which answers each request with what `answer` says. */
export async function startReceiver(answer: (request: Received) => Reply, tls?: TlsOptions): Promise<Receiver> {
  const received: Received[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method = '', url = '', headers } = request;
      const shown = request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().subject?.CN : undefined;
      const clientName = typeof shown === 'string' ? shown : '';
      const one = {
        method,
        url,
        headers,
        clientName,
        body: headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
      };
      received.push(one);
      const reply = answer(one);
      response.writeHead(reply.status, reply.headers);
      response.end(request.method === 'HEAD' ? undefined : reply.body);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const { port, count, stop } = await listen(server);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received,
    get connections() {
      return count();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A server of bare sockets: `talk` gets each connection with the first bytes that came over it. */
export async function startSockets(talk: (socket: Socket, first: Buffer) => void): Promise<Receiver> {
  const server = createSocketServer((socket) => {
    socket.once('data', (first) => talk(socket, first as Buffer));
  });
  const { port, count, stop } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    received: [],
    get connections() {
      return count();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** An address that refuses connections: a port that was free a moment ago. */
export async function refusingUrl(): Promise<string> {
  const server = createSocketServer();
  const { port, stop } = await listen(server);
  await stop();
  return `http://127.0.0.1:${port}`;
}

async function listen(server: Server): Promise<{ port: number; count: () => number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the tests break connections on purpose
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, count: () => count, stop };
}
