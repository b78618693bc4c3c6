import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Endpoint } from './endpoint.ts';
import { JSON_TYPE } from './protocol.ts';
import { bulkProtocol, httpProtocol, lokiProtocol } from './protocols.ts';

/** An embedded server that an output takes for Elasticsearch, for Loki or for an HTTP collector, by the path. */
export interface Receiver {
  readonly elasticsearch: Endpoint;
  readonly loki: Endpoint;
  readonly http: Endpoint;
  /** Breaks all connections and stops listening. */
  close(): Promise<void>;
}

/** Listens on a free port of the loopback interface, or on `port`. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoints = {
    elasticsearch: new Endpoint(base, bulkProtocol),
    loki: new Endpoint(base, lokiProtocol),
    http: new Endpoint(`${base}/ingest`, httpProtocol),
  };
  server.on('request', (request, response) => {
    const endpoint = request.method === 'POST' ? endpointFor(request.url ?? '', endpoints) : undefined;
    if (endpoint === undefined) return answerQuestion(request, response);
    endpoint.serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  return { ...endpoints, close: () => closeServer(server) };
}

function endpointFor(url: string, endpoints: Pick<Receiver, 'elasticsearch' | 'loki' | 'http'>): Endpoint | undefined {
  const [path = ''] = url.split('?');
  if (path.endsWith('/_bulk')) return endpoints.elasticsearch;
  if (path === '/loki/api/v1/push') return endpoints.loki;
  return path === '/ingest' ? endpoints.http : undefined;
}

/** What `auditail check --connect` and curious people ask. */
function answerQuestion(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const [path = ''] = (request.url ?? '').split('?');
  if (path === '/') {
    const version = { number: '8.19.8', lucene_version: '9.12.2', build_flavor: 'default' };
    response.writeHead(200, { ...JSON_TYPE, 'x-elastic-product': 'Elasticsearch' });
    response.end(JSON.stringify({ name: 'demo', cluster_name: 'demo', version, tagline: 'You Know, for Search' }));
  } else if (path === '/ready' || path === '/ingest') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ready\n');
  } else if (path === '/_security/user/_has_privileges') {
    response.writeHead(200, JSON_TYPE).end('{"has_all_requested":true}');
  } else {
    response.writeHead(404, JSON_TYPE).end('{"error":{"type":"resource_not_found_exception"},"status":404}');
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}
