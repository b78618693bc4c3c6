import type { HttpOutputConfig } from '../../config/schema.ts';
import { AuditailError } from '../../errors.ts';
import { destinationOf } from '../destination.ts';
import { eventSpan } from '../event-span.ts';
import type { Metadata } from '../metadata.ts';
import type { Output, SendResult } from '../output.ts';
import type { Transport } from '../transport.ts';
import type { Part } from '../../pipeline/batch.ts';
import { eventEncoder, type Format, FRAMINGS, idempotencyKey, overhead, requestBody } from './encode.ts';
import { headerTemplates } from './header-template.ts';
import { sendOneByOne } from './one-by-one.ts';
import { otlpFormat } from './otlp.ts';
import { aboutTemplates, probe, probeOtlp } from './probe.ts';
import { classify, classifyOtlp } from './reply.ts';

/**
 * Any receiver of POST: newline-delimited JSON, a JSON array, an EventList as the API server's webhook sends it, one event a request, or
 * log records of OpenTelemetry. Each request carries an `Idempotency-Key` by which a receiver can know a second sending. Throws `AUD_CONFIG`.
 */
export function createHttpOutput(config: HttpOutputConfig, metadata: Metadata, transport: Transport): Output {
  const otlp = config.format === 'otlp' ? otlpFormat(metadata, config.maxBodyBytes) : undefined;
  const framed = otlp?.framed ?? FRAMINGS[config.format as Format];
  const { maxBodyBytes } = config;
  const ofMetadata = metadataHeaders(config.name, metadata);
  const fixed = { 'content-type': framed.contentType, ...ofMetadata };
  const templates = headerTemplates(config, metadata);

  async function sendPart(part: Part, signal: AbortSignal): Promise<SendResult> {
    const reply = await transport.request(
      {
        method: 'POST',
        path: '',
        headers: { ...templates(part), ...fixed, 'idempotency-key': idempotencyKey(part) },
        body: requestBody(framed, part),
        gzip: config.compression === 'gzip',
      },
      signal,
    );
    return otlp === undefined ? classify(reply, part) : classifyOtlp(reply, part);
  }

  return {
    name: config.name,
    type: config.type,
    destination: destinationOf(config),
    idempotent: false, // the key helps only a receiver that looks at it
    maxBatchBytes: Math.min(config.batch.maxBytes, (maxBodyBytes ?? Number.POSITIVE_INFINITY) - overhead(framed)),
    encode: otlp?.encode ?? eventEncoder(framed, maxBodyBytes),
    eventBytes: otlp?.eventBytes ?? eventSpan,
    send(part, signal) {
      if (config.format !== 'event') return sendPart(part, signal);
      return sendOneByOne(part, config.batch.maxInFlight, (one) => sendPart(one, signal));
    },
    async probe(signal, source = '') {
      const filledIn = templates({ source });
      const headers = { ...filledIn, ...ofMetadata };
      const found = await (otlp === undefined ? probe : probeOtlp)(transport, headers, signal);
      return [...found, ...aboutTemplates(config, filledIn)];
    },
    close: () => transport.close(),
  };
}

/** `X-Auditail-Cluster`, `X-Auditail-Node` and `X-Auditail-Source`, percent-encoded where they are not plain ASCII. */
function metadataHeaders(output: string, metadata: Metadata): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!value.isWellFormed())
      throw new AuditailError('AUD_CONFIG', `outputs.${output}: metadata.${name} is not proper text`);
    headers[`x-auditail-${name}`] = value.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
  }
  return headers;
}
