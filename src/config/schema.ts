import { DEFAULT_STATE_DIRECTORY } from './default-places.ts';
import * as z from 'zod';
import { isAddress, reference } from './common-schema.ts';
import { alertsSchema } from './alert-schema.ts';
import { outputSchema } from './output-schema.ts';
import type { filter } from './filter-schema.ts';
import type { retry } from './network-schema.ts';
import type { batch } from './output-schema.ts';
import { sourceSchema } from './source-schema.ts';
import { bytes, duration } from './units.ts';

export type { Reference } from './common-schema.ts';

/**
 * The whole configuration: keys, defaults and descriptions in one place. The JSON Schema for editors and the reference
 * in docs/configuration.md are generated from it. Times are milliseconds and sizes bytes once parsed.
 */
export const configSchema = z.strictObject({
  stateDirectory: z
    .string()
    .min(1)
    .default(DEFAULT_STATE_DIRECTORY)
    .describe('Checkpoints, ledger, dead letters and spool. One running agent per state directory.'),
  metadata: z
    .strictObject({
      cluster: reference('Name of the cluster.').optional(),
      node: reference('Name of the node.').optional(),
      source: z
        .boolean()
        .default(false)
        .describe('Whether each event says from which source it came, by the name of that.'),
    })
    .prefault({})
    .describe('Added to what is delivered, by each output in its own way.'),
  sources: z.array(sourceSchema).min(1, 'needs at least one source').describe('Where the trail comes from.'),
  outputs: z
    .array(outputSchema)
    .min(1, 'needs at least one output')
    .describe('Where it goes to. Each output reads at its own pace.'),
  alerts: alertsSchema
    .optional()
    .describe('Who is told when something abnormal happens: rules over all of the trail, before any filter.'),
  telemetry: z
    .strictObject({
      listen: z
        .string()
        .refine((text) => text === 'off' || isAddress(text), 'must be host:port, such as 127.0.0.1:9465, or off')
        .default('127.0.0.1:9465')
        .describe(
          'Address of `/metrics`, `/healthz`, `/readyz`, and for this machine alone the status page, as host:port; `off` for none.',
        ),
    })
    .prefault({})
    .describe('How the agent can be watched.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least grave message to write.'),
    })
    .prefault({})
    .describe('The agent’s own log: JSON lines on standard error.'),
  checkpoint: z
    .strictObject({
      interval: duration('Longest time between two checkpoints that are forced to disk.', { min: 10 }).prefault('1s'),
    })
    .prefault({})
    .describe('How often progress is made to survive a power cut.'),
  shutdownGrace: duration('How long a first SIGTERM lets what is in flight finish.').prefault('10s'),
  maxLineBytes: bytes(
    'A longer line is set aside straight from disk. Where it is not set, at most two thirds of `memory.maxBytes`.',
    {
      min: 65_536,
      max: 2 ** 29,
    },
  ).prefault('64Mi'),
  memory: z
    .strictObject({
      maxBytes: bytes(
        'Bound on all bytes of the trail held in memory at a time. Where it is not set, less in a small cgroup: two fifths of what that has beyond 96Mi (`38.4Mi` of `192Mi`).',
        { min: 8 * 2 ** 20 },
      ).prefault('96Mi'),
    })
    .prefault({})
    .describe('How much memory the trail may take, over all sources and outputs.'),
});

/** Plain text once the configuration is loaded: what it refers to has been read. */
export interface Metadata {
  readonly cluster?: string;
  readonly node?: string;
  readonly source?: string;
}

export type Config = Omit<z.output<typeof configSchema>, 'metadata'> & {
  readonly metadata: Metadata;
  /** Whether the name of its source is added to an event's metadata. */
  readonly namesSources?: boolean;
};
export type SourceConfig = Config['sources'][number];
export type FileSourceConfig = Extract<SourceConfig, { type: 'file' }>;
export type StdinSourceConfig = Extract<SourceConfig, { type: 'stdin' }>;
export type WebhookSourceConfig = Extract<SourceConfig, { type: 'webhook' }>;
export type OutputConfig = Config['outputs'][number];
export type ElasticsearchOutputConfig = Extract<OutputConfig, { type: 'elasticsearch' }>;
export type LokiOutputConfig = Extract<OutputConfig, { type: 'loki' }>;
export type HttpOutputConfig = Extract<OutputConfig, { type: 'http' }>;
export type FileOutputConfig = Extract<OutputConfig, { type: 'file' }>;
export type NetworkOutputConfig = ElasticsearchOutputConfig | LokiOutputConfig | HttpOutputConfig;
export type FilterConfig = z.output<typeof filter>;
export type BatchConfig = z.output<typeof batch>;
export type ReadingOrder = OutputConfig['order'];
export type RetryConfig = z.output<typeof retry>;
