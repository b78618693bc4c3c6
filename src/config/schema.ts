import { z } from 'zod';
import { bytes, duration } from './units.ts';

/**
 * The whole configuration: keys, defaults and descriptions in one place. The JSON Schema for editors and the reference
 * in docs/configuration.md are generated from it. Times are milliseconds and sizes bytes once parsed.
 */

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/i, 'must be letters, digits, dots and dashes, at most 64 of them')
  .describe('A name that is used in metrics, logs, the ledger and file names.');

/** A value in the file, or where to take it from. Secrets are never interpolated into text. */
const reference = z.union([
  z.string(),
  z.strictObject({ env: z.string().min(1).describe('Name of an environment variable.') }),
  z.strictObject({ file: z.string().min(1).describe('Path of a file; read again when it changes.') }),
]);

const url = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http:// or https:// URL')
  .refine((text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''), {
    error: 'must not carry a user name or password; use auth.basic',
  });

const fileSource = z.strictObject({
  name,
  type: z.literal('file'),
  path: z.string().min(1).describe("The API server's --audit-log-path. The names of the backups follow from it."),
  startAt: z
    .union([z.enum(['oldest', 'newest']), duration('')])
    .default('oldest')
    .describe('Where a first run starts: the oldest backup, the end of the live file, or so long ago. What is left out stands in the ledger.'),
  retain: z
    .strictObject({
      pins: z
        .enum(['auto', 'off'])
        .default('auto')
        .describe('Hard-link unread files into <log directory>/.auditail where the directory can be written, so that they survive their deletion.'),
      maxBytes: bytes('Bound on what pins and deleted but open files may hold.').default(2 * 2 ** 30),
      minFree: z
        .union([z.string().regex(/^\d{1,2}(\.\d+)?%$/, 'must be a percentage such as 15%'), bytes('')])
        .default('15%')
        .describe("Space to leave free on the log's filesystem: a percentage or a size."),
    })
    .prefault({}),
});

const stdinSource = z.strictObject({
  name,
  type: z.literal('stdin'),
  spool: z
    .strictObject({
      maxBytes: bytes('Bound on the spool, in which the events wait on disk.', { min: 2 ** 20 }).default(2 ** 30),
      whenFull: z
        .enum(['block', 'dropOldest'])
        .default('block')
        .describe('Stop reading the pipe, or let the oldest go with a record in the ledger.'),
    })
    .prefault({}),
});

const comparison = z.strictObject({
  name: name.describe('Names the rule in the ledger and the metrics.'),
  when: z.string().min(1).describe('A CEL expression over the fields of the event, e.g. objectRef.resource == "leases".'),
});

const filter = z
  .strictObject({
    keep: z.array(comparison).default([]).describe('If there are any, one at least must match for an event to be delivered.'),
    drop: z.array(comparison).default([]).describe('An event that one of these matches is not delivered.'),
  })
  .prefault({});

const batch = z
  .strictObject({
    maxBytes: bytes('A batch is sent when it holds so many encoded bytes.', { min: 1024, max: 64 * 2 ** 20 }).default(2 ** 20),
    maxEvents: z.number().int().min(1).max(100_000).default(5000).describe('… or so many events.'),
    maxDelay: duration('… or when its first event has waited so long.', { max: 60_000 }).default(1000),
    maxInFlight: z.number().int().min(1).max(16).default(2).describe('Batches sent at the same time; 1 where a receiver needs order.'),
  })
  .prefault({});

const retry = z
  .strictObject({
    initialDelay: duration('Upper bound of the first wait; the waits are random below a bound that doubles.', { min: 1 }).default(500),
    maxDelay: duration('Where the bound stops doubling.', { min: 1 }).default(30_000),
  })
  .prefault({});

const deadLetter = z
  .strictObject({ maxBytes: bytes('When it is full, the pipeline holds.', { min: 2 ** 16 }).default(256 * 2 ** 20) })
  .prefault({});

const auth = z
  .strictObject({
    basic: z.strictObject({ username: reference, password: reference }).optional(),
    bearer: reference.optional().describe('Token for Authorization: Bearer.'),
    apiKey: reference.optional().describe('Elasticsearch API key, encoded (the base64 text of id:key).'),
  })
  .refine((value) => Object.keys(value).length <= 1, 'takes one of basic, bearer and apiKey')
  .prefault({});

const tls = z
  .strictObject({
    ca: reference.optional().describe('PEM of the certificate authorities to trust instead of the system’s.'),
    cert: reference.optional().describe('PEM of the client certificate.'),
    key: reference.optional().describe('PEM of its key.'),
    verify: z.boolean().default(true).describe('Set to false only to try something out: anybody could read the trail.'),
  })
  .prefault({});

const outputBase = {
  name,
  sources: z.array(name).min(1).optional().describe('Names of the sources it takes; all of them where this is not set.'),
  filter,
  batch,
  retry,
  deadLetter,
};

const network = {
  url: z.union([url, z.array(url).min(1)]).describe('One endpoint, or several that are tried in turn.'),
  headers: z.record(z.string(), reference).default({}).describe('More headers for every request.'),
  auth,
  tls,
  timeout: duration('A request without an answer is given up after this long, plus a second per MiB of body.', { min: 100 }).default(30_000),
};

const compression = z.enum(['none', 'gzip']).default('none');

const elasticsearchOutput = z.strictObject({
  ...outputBase,
  type: z.literal('elasticsearch'),
  ...network,
  index: z
    .string()
    .min(1)
    .optional()
    .describe('Index to write to; {yyyy.MM.dd} is filled in from the time of the event.'),
  dataStream: z.string().min(1).optional().describe('Data stream to write to.'),
  compression,
});

const lokiOutput = z.strictObject({
  ...outputBase,
  type: z.literal('loki'),
  ...network,
  labels: z.record(z.string(), z.string()).default({ job: 'kube-audit' }).describe('Fixed labels of the stream.'),
  tenant: reference.optional().describe('X-Scope-OrgID.'),
  maxLineBytes: bytes("The server's max_line_size: longer lines lose their bodies.").default(256 * 1024),
});

const httpOutput = z.strictObject({
  ...outputBase,
  type: z.literal('http'),
  ...network,
  format: z.enum(['ndjson', 'json', 'eventList']).default('ndjson').describe('eventList is what the API server’s own audit webhook sends.'),
  compression,
  maxBodyBytes: bytes('A single event larger than this is set aside.').optional(),
});

const fileOutput = z.strictObject({
  ...outputBase,
  type: z.literal('file'),
  path: z.string().min(1).describe('File to append NDJSON to.'),
});

const stdoutOutput = z.strictObject({ ...outputBase, type: z.literal('stdout') });

export const configSchema = z.strictObject({
  stateDirectory: z.string().min(1).default('/var/lib/auditail').describe('Checkpoints, ledger, dead letters and spool.'),
  metadata: z
    .strictObject({ cluster: reference.optional(), node: reference.optional() })
    .prefault({})
    .describe('Added to what is delivered, by each output in its own way.'),
  sources: z.array(z.discriminatedUnion('type', [fileSource, stdinSource])).min(1, 'needs at least one source'),
  outputs: z
    .array(z.discriminatedUnion('type', [elasticsearchOutput, lokiOutput, httpOutput, fileOutput, stdoutOutput]))
    .min(1, 'needs at least one output'),
  telemetry: z
    .strictObject({
      listen: z
        .string()
        .regex(/^(off|(\[[0-9a-fA-F:]+\]|[^:\s]*):\d{1,5})$/, 'must be host:port, or off')
        .default('127.0.0.1:9465')
        .describe('Address of /metrics, /healthz and /readyz; off for none.'),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') })
    .prefault({}),
  checkpoint: z
    .strictObject({ interval: duration('Longest time between two checkpoints that are forced to disk.', { min: 10 }).default(1000) })
    .prefault({}),
  shutdownGrace: duration('How long a first SIGTERM lets what is in flight finish.').default(10_000),
  maxLineBytes: bytes('A longer line is set aside straight from disk.', { min: 65_536, max: 2 ** 29 }).default(64 * 2 ** 20),
  memory: z
    .strictObject({ maxBytes: bytes('Bound on all bytes of the trail held in memory at a time.', { min: 8 * 2 ** 20 }).default(96 * 2 ** 20) })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type SourceConfig = Config['sources'][number];
export type FileSourceConfig = Extract<SourceConfig, { type: 'file' }>;
export type StdinSourceConfig = Extract<SourceConfig, { type: 'stdin' }>;
export type OutputConfig = Config['outputs'][number];
export type ElasticsearchOutputConfig = Extract<OutputConfig, { type: 'elasticsearch' }>;
export type LokiOutputConfig = Extract<OutputConfig, { type: 'loki' }>;
export type HttpOutputConfig = Extract<OutputConfig, { type: 'http' }>;
export type FileOutputConfig = Extract<OutputConfig, { type: 'file' }>;
export type NetworkOutputConfig = ElasticsearchOutputConfig | LokiOutputConfig | HttpOutputConfig;
export type Reference = z.output<typeof reference>;
export type FilterConfig = z.output<typeof filter>;
export type BatchConfig = z.output<typeof batch>;
export type RetryConfig = z.output<typeof retry>;
