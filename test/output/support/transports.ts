import { createTransport, type TransportOptions } from '../../../src/output/http-transport.ts';
import type { Transport, TransportReply } from '../../../src/output/transport.ts';
import { outputConfig } from './network-output.ts';

export const FOREVER = new AbortController().signal;

const open: Transport[] = [];

/** A transport that gives up after 400 ms, which `closeTransports` closes. */
export function transportTo(
  settings: Readonly<Record<string, unknown>>,
  options: Partial<TransportOptions> = {},
): Transport {
  const config = outputConfig('http', { timeout: '400ms', ...settings });
  const transport = createTransport(config, { userAgent: 'auditail/test', environment: {}, ...options });
  open.push(transport);
  return transport;
}

/** To be called after each test. */
export async function closeTransports(): Promise<void> {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
}

export function post(transport: Transport, body: Buffer = Buffer.from('x')): Promise<TransportReply> {
  return transport.request({ method: 'POST', path: '', body }, FOREVER);
}
