import type { Row } from '../support/contract.ts';
import { ALL } from '../support/proxy-replies.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const STREAM = '{audit_level="Metadata", job="kube-audit", service_name="kube-audit"}';

function text(status: number, body: string) {
  return { status, headers: TEXT, body: `${body}\n` };
}

/** What it says where nothing of a push is stored because it makes no sense. */
const MALFORMED = [
  "loghttp.PushRequest.Streams: []loghttp.LogProtoStream: unmarshalerDecoder: Value looks like Number/Boolean/None, but can't find its end: , error found in #10 byte of ...|",
  'loghttp.PushRequest.Streams: []loghttp.LogProtoStream: trySkipString: invalid control character found: 1, error found in #10 byte of ...|',
  'Content-Encoding "zstd" not supported',
  'mime: no media type',
  'unexpected end of input, error found in #0 byte of ...||...',
];

/** What Loki 3.7.8 said of whole pushes. Pushes that were refused in part: reply.test.ts. */
export const LOKI_ROWS: readonly Row[] = [
  { what: 'everything stored', reply: { status: 204 } },
  {
    what: 'a push larger than gRPC lets through',
    reply: text(
      500,
      'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (4292747 vs. 4194304)',
    ),
    again: [['split', ALL, 'too-large']],
  },
  {
    what: 'a single event larger than gRPC lets through',
    reply: text(
      500,
      'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (4292747 vs. 4194304)',
    ),
    events: 1,
    rejected: [[0, 'too-large']],
  },
  {
    what: 'a push larger than the burst',
    reply: text(
      429,
      "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '70' lines totaling '7000000' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
    ),
    again: [['split', ALL, 'rate-limit']],
  },
  {
    what: 'too much at a time',
    reply: text(
      429,
      "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '1000' lines totaling '1048576' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
    ),
    again: [['retry', ALL, 'rate-limit']],
    retryAfterMs: 250,
  },
  {
    what: 'too many labels',
    reply: text(400, `entry for stream '${STREAM}' has 16 label names; limit 15`),
    again: [['hold', ALL, 'labels']],
  },
  {
    what: 'a label value that is too long, quoted back twice',
    reply: text(400, `stream '{job="${'x'.repeat(2049)}"}' has label value too long: '${'x'.repeat(2049)}'`),
    again: [['hold', ALL, 'labels']],
  },
  {
    what: 'a label name that is too long',
    reply: text(400, `stream '{${'x'.repeat(1025)}="a"}' has label name too long: '${'x'.repeat(1025)}'`),
    again: [['hold', ALL, 'labels']],
  },
  {
    what: 'a body over the limit of VictoriaLogs, which takes pushes too',
    reply: text(400, 'too big data size exceeding -loki.maxRequestSize=67108864 bytes'),
    again: [['suspect', ALL, 'http-400']],
  },
  {
    what: 'a push that VictoriaLogs cannot read',
    reply: text(400, 'cannot parse JSON request body: unexpected end'),
    again: [['suspect', ALL, 'http-400']],
  },
  {
    what: 'a label name that is none',
    reply: text(400, "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'"),
    again: [['hold', ALL, 'labels']],
    words: 'unexpected character inside braces',
  },
  {
    what: 'structured metadata switched off',
    reply: text(
      400,
      `5 errors like: stream '${STREAM}' includes structured metadata, but this feature is disallowed. Please see \`limits_config.allow_structured_metadata\` or contact your Loki administrator to enable it`,
    ),
    again: [['hold', ALL, 'metadata-disallowed']],
  },
  { what: 'no tenant', reply: text(401, 'no org id'), again: [['hold', ALL, 'http-401']], words: 'no org id' },
  {
    what: 'a body that is not snappy',
    reply: text(400, 'snappy: corrupt input'),
    again: [['suspect', ALL, 'http-400']],
  },
  { what: 'an empty body', reply: text(400, 'EOF'), again: [['suspect', ALL, 'http-400']] },
  {
    what: 'no stream',
    reply: text(422, 'error at least one valid stream is required for ingestion'),
    again: [['suspect', ALL, 'http-422']],
  },
  {
    what: 'JSON that is cut off, as another shipper would send it',
    reply: text(
      400,
      `loghttp.PushRequest.Streams: []loghttp.LogProtoStream: unmarshalerDecoder: Value is string, but can't find closing '"' symbol, error found in #10 byte of ...|`,
    ),
    again: [['suspect', ALL, 'http-400']],
  },
  { what: 'no ingester', reply: text(500, 'empty ring'), again: [['retry', ALL, 'http-500']] },
  {
    what: 'ingesters that are leaving',
    reply: text(503, 'at least 1 live replicas required'),
    again: [['retry', ALL, 'http-503']],
  },
  ...MALFORMED.map(
    (body): Row => ({
      what: `a push that it cannot read: ${body.slice(0, 40)}`,
      reply: text(400, body),
      again: [['suspect', ALL, 'http-400']],
    }),
  ),
  {
    what: 'starting',
    reply: text(503, 'Ingester not ready: waiting for 15s after being ready'),
    again: [['retry', ALL, 'http-503']],
  },
];
