import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuditailError, messageOf, systemCode } from '../errors.ts';

export interface TelemetryServer {
  /** `host:port` as it is bound. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Listens on `host:port` (an empty host: all addresses). Whoever connects is a scraper or a probe: few connections,
 * small headers, short waits. Throws `AUD_LISTEN`.
 */
export async function listen(address: string, listener: http.RequestListener): Promise<TelemetryServer> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const server = http.createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 10_000,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 5000,
    },
    listener,
  );
  server.maxConnections = 64;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: Number(address.slice(at + 1)), ...(host === '' ? {} : { host }) }, resolve);
    });
  } catch (error) {
    throw new AuditailError('AUD_LISTEN', `cannot listen on ${address}: ${reason(error)}`, {
      cause: error,
      hint: 'Choose another address with --telemetry-listen (telemetry.listen in the file), or off.',
    });
  }
  const bound = server.address() as AddressInfo;
  return {
    address: bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reason(error: unknown): string {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return 'another program listens there';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'ports below 1024 need a privilege';
    default:
      return messageOf(error);
  }
}
