import type { HttpOutputConfig } from '../../config/schema.ts';
import { AuditailError } from '../../errors.ts';
import { destinationOf } from '../destination.ts';
import { eventSpan } from '../event-span.ts';
import type { Metadata } from '../metadata.ts';
import type { Output } from '../output.ts';
import type { Transport } from '../transport.ts';
import { eventEncoder, FRAMINGS, idempotencyKey, overhead, requestBody } from './encode.ts';
import { probe } from './probe.ts';
import { classify } from './reply.ts';

/**
 * Any receiver of POST: newline-delimited JSON, a JSON array, or an EventList as the API server's webhook sends it. Each
 * request carries an `Idempotency-Key` by which a receiver can know a second sending. Throws `AUD_CONFIG`.
 */
export function createHttpOutput(config: HttpOutputConfig, metadata: Metadata, transport: Transport): Output {
  const framed = FRAMINGS[config.format];
  const { maxBodyBytes } = config;
  const fixed = { 'content-type': framed.contentType, ...metadataHeaders(config.name, metadata) };
  return {
    name: config.name,
    type: config.type,
    destination: destinationOf(config),
    idempotent: false, // the key helps only a receiver that looks at it
    maxBatchBytes: Math.min(config.batch.maxBytes, (maxBodyBytes ?? Number.POSITIVE_INFINITY) - overhead(framed)),
    encode: eventEncoder(framed, maxBodyBytes),
    eventBytes: eventSpan,
    async send(part, signal) {
      const reply = await transport.request(
        {
          method: 'POST',
          path: '',
          headers: { ...fixed, 'idempotency-key': idempotencyKey(part) },
          body: requestBody(framed, part),
          gzip: config.compression === 'gzip',
        },
        signal,
      );
      return classify(reply, part);
    },
    probe: (signal) => probe(transport, signal),
    close: () => transport.close(),
  };
}

/** `X-Auditail-Cluster` and `X-Auditail-Node`, percent-encoded where they are not plain ASCII. */
function metadataHeaders(output: string, metadata: Metadata): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!value.isWellFormed())
      throw new AuditailError('AUD_CONFIG', `outputs.${output}: metadata.${name} is not proper text`);
    headers[`x-auditail-${name}`] = value.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
  }
  return headers;
}
