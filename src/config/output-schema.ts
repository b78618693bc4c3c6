import * as z from 'zod';
import { name, reference } from './common-schema.ts';
import { filter } from './filter-schema.ts';
import { auth, headers, retry, timeout, tls, urls } from './network-schema.ts';
import { bytes, duration } from './units.ts';

export const batch = z
  .strictObject({
    maxBytes: bytes(
      'A batch is sent when it holds so many encoded bytes (half of that is the default below 512Mi of memory),',
      { min: 1024, max: 64 * 2 ** 20 },
    ).prefault('2Mi'),
    maxEvents: z.int().min(1).max(100_000).default(5000).describe('… or so many events,'),
    maxDelay: duration('… or when its first event has waited so long.', { max: 60_000 }).prefault('1s'),
    maxInFlight: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .describe('Batches sent at the same time; 1 where a receiver needs order.'),
  })
  .prefault({})
  .describe('How events are put together for one request.');

const deadLetter = z
  .strictObject({ maxBytes: bytes('When it is full, the pipeline holds.', { min: 2 ** 16 }).prefault('256Mi') })
  .prefault({})
  .describe('Where events are set aside that the receiver will never take.');

const outputBase = {
  name: name('Names the output in metrics, logs, the ledger and file names. Keep it: the state is filed under it.'),
  sources: z
    .array(name('Name of a source.'))
    .min(1, 'must name one source at least; leave it out to take all of them')
    .optional()
    .describe('Names of the sources it takes; all of them where this is not set.'),
  filter,
  order: z
    .enum(['oldest-first', 'live-first'])
    .default('oldest-first')
    .describe(
      'What is read first where two files or more wait before the live one: these, or the live one and what comes after it. `live-first` gives way while a file might be gone before it is read; it goes neither with Loki, which refuses what is much older than the newest, nor with a throttle.',
    ),
  batch,
  retry,
  deadLetter,
};

const network = { url: urls, headers, auth, tls, timeout };

const compression = z.enum(['none', 'gzip']).default('none').describe('Compression of the request’s body.');

const lifecycle = z
  .strictObject({
    rolloverSize: bytes('A data stream begins a new index when a primary shard is so large,', {
      min: 2 ** 20,
    }).prefault('50Gi'),
    rolloverAge: duration('… or so old.', { min: 60_000 }).prefault('30d'),
    retain: duration('How long the server keeps events; for ever where it is not set.', { min: 60_000 }).optional(),
  })
  .prefault({})
  .describe('What `auditail setup` has the server do with what is there (ILM on Elasticsearch, ISM on OpenSearch).');

const elasticsearchOutput = z.strictObject({
  ...outputBase,
  type: z.literal('elasticsearch').describe('Elasticsearch, OpenSearch and what else speaks `_bulk`.'),
  ...network,
  index: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Index to write to; `{yyyy.MM.dd}` is filled in from the time of the event. Either this or `dataStream`.',
    ),
  dataStream: z.string().min(1).optional().describe('Data stream to write to. Either this or `index`.'),
  format: z
    .enum(['native', 'ecs'])
    .default('native')
    .describe(
      'The event as it is; or under `kubernetes.audit` with the ECS fields beside it that published detection rules read.',
    ),
  lifecycle,
  compression,
});

const lokiOutput = z.strictObject({
  ...outputBase,
  type: z.literal('loki').describe('Grafana Loki’s push API.'),
  ...network,
  labels: z.record(z.string(), z.string()).default({ job: 'kube-audit' }).describe('Fixed labels of the stream.'),
  tenant: reference('Sent as X-Scope-OrgID.').optional(),
  maxLineBytes: bytes("The server's `max_line_size`: longer lines lose their bodies, or what else is large.").prefault(
    '256Ki',
  ),
});

const httpOutput = z.strictObject({
  ...outputBase,
  type: z.literal('http').describe('POST to an HTTP endpoint.'),
  ...network,
  format: z
    .enum(['ndjson', 'json', 'eventList', 'event', 'otlp'])
    .default('ndjson')
    .describe(
      'One event a line, one array, what the API server’s own audit webhook sends, one event a request, or OTLP/HTTP JSON (the URL ends in `/v1/logs`).',
    ),
  headers: network.headers.describe(
    'More headers for every request. In plain text `${cluster}`, `${node}`, `${source}` and `${output}` are filled in, and with `format: event` fields of the event such as `${auditID}`.',
  ),
  compression,
  maxBodyBytes: bytes('A single event larger than this is set aside.').optional(),
});

const fileOutput = z.strictObject({
  ...outputBase,
  type: z.literal('file').describe('Appends to a file, one event a line.'),
  path: z.string().min(1).describe('The file.'),
});

const stdoutOutput = z.strictObject({
  ...outputBase,
  type: z.literal('stdout').describe('Writes to standard output, one event a line.'),
});

export const outputSchema = z.discriminatedUnion('type', [
  elasticsearchOutput,
  lokiOutput,
  httpOutput,
  fileOutput,
  stdoutOutput,
]);
