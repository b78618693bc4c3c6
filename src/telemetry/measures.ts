import { ALERT_MEASURES } from './alert-measures.ts';
import type { Measure } from './measure.ts';
import { byteSamples, eventSamples } from './outcome-samples.ts';
import type { AgentStatus, ConfigurationStatus, PipelineStatus, SourceStatus } from '../inspect/status.ts';

const STATES = [
  'starting',
  'idle',
  'shipping',
  'retrying',
  'holding',
  'stopped',
] as const satisfies readonly PipelineStatus['state'][];

/** All metrics but the histograms of requests and what Node.js says of the process. */
export const MEASURES: readonly Measure[] = [
  {
    name: 'auditail_info',
    type: 'gauge',
    help: 'Always 1; the label says which version runs.',
    labels: ['version'],
    samples: ({ version }) => [{ labels: { version }, value: 1 }],
  },
  ofConfiguration(
    'auditail_config_last_reload_successful',
    'gauge',
    '1 where the configuration on disk runs; 0 where it was refused, and the one before goes on (/status says why).',
    ({ refused }) => Number(refused === null),
  ),
  ofConfiguration(
    'auditail_config_last_reload_success_timestamp_seconds',
    'gauge',
    'When the configuration that runs was read, in seconds since the epoch.',
    ({ loadedAt }) => Date.parse(loadedAt) / 1000,
  ),
  {
    name: 'auditail_config_reloads_total',
    type: 'counter',
    help: 'Configurations read anew since the start, by what came of it (taken, refused).',
    labels: ['result'],
    samples: ({ configuration }) => [
      { labels: { result: 'taken' }, value: configuration?.reloads ?? 0 },
      { labels: { result: 'refused' }, value: configuration?.failures ?? 0 },
    ],
  },
  {
    name: 'auditail_filter_info',
    type: 'gauge',
    help: 'Always 1; the label says which version of the filter judges (a hash; the ledger records it).',
    labels: ['source', 'output', 'filter'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ source, output, filter }) =>
        filter === undefined ? [] : [{ labels: { source, output, filter }, value: 1 }],
      ),
  },
  ofSource('auditail_source_readable', 'gauge', '1 while the log is there and can be read, else 0.', ({ readable }) =>
    Number(readable),
  ),
  ofSource(
    'auditail_source_segments',
    'gauge',
    'Files of the log that are there: the live one and its backups.',
    ({ segments }) => segments,
  ),
  ofSource('auditail_source_bytes', 'gauge', 'Bytes of the log that are there.', ({ bytes }) => bytes),
  ofSource(
    'auditail_source_written_bytes_per_second',
    'gauge',
    'How fast the log grows, smoothed over about half a minute.',
    ({ bytesPerSecond }) => bytesPerSecond,
  ),
  ofSource(
    'auditail_source_rotations_total',
    'counter',
    'Rotations of the log since the start.',
    ({ rotations }) => rotations,
  ),
  ofSource(
    'auditail_source_pinned_files',
    'gauge',
    'Files kept by a hard link because an output has not read them.',
    ({ pinnedFiles }) => pinnedFiles,
  ),
  ofSource('auditail_source_pinned_bytes', 'gauge', 'Bytes in those files.', ({ pinnedBytes }) => pinnedBytes),
  ofSource(
    'auditail_source_open_deleted_bytes',
    'gauge',
    'Bytes in files that are deleted, and kept open because an output has not read them.',
    ({ openDeletedBytes }) => openDeletedBytes,
  ),
  {
    name: 'auditail_source_anomalies_total',
    type: 'counter',
    help: 'What went wrong with the log and was dealt with, by kind (torn, nul, truncated, replaced, clock, …).',
    labels: ['source', 'kind'],
    samples: ({ sources }) =>
      sources.flatMap(({ name, anomalies }) =>
        Object.entries(anomalies).map(([kind, value]) => ({ labels: { source: name, kind }, value })),
      ),
  },
  {
    name: 'auditail_pipeline_state',
    type: 'gauge',
    help: `1 for the state that a pipeline is in (${STATES.join(', ')}), 0 for the others. holding: somebody has to mend something, nothing is given up meanwhile.`,
    labels: ['source', 'output', 'state'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ source, output, state: current }) =>
        STATES.map((state) => ({ labels: { source, output, state }, value: Number(state === current) })),
      ),
  },
  ofPipeline(
    'auditail_lag_bytes',
    'gauge',
    'Bytes of the log that are not settled (uncompressed; estimated for unread gzip).',
    ({ lagBytes }) => lagBytes,
  ),
  ofPipeline(
    'auditail_lag_seconds',
    'gauge',
    'Age of the oldest event that is not settled; 0 where there is none.',
    ({ lagSeconds }) => lagSeconds,
  ),
  ofPipeline(
    'auditail_deadline_seconds',
    'gauge',
    'Estimated seconds until unread bytes are taken away, by the writer or by the bound on retention; not there while that is not in sight.',
    ({ deadlineSeconds }) => deadlineSeconds,
  ),
  ofPipeline(
    'auditail_read_held_back_seconds_total',
    'counter',
    'Time for which reading waited for `maxReadRate` since the start; not there where that is not set.',
    ({ readLimit }) => readLimit?.heldBackSeconds ?? null,
  ),
  ofPipeline(
    'auditail_read_limit_gives_way',
    'gauge',
    '1 while `maxReadRate` is set aside, lest a file be gone before it is read, else 0; not there where that is not set.',
    ({ readLimit }) => (readLimit === undefined ? null : Number(readLimit.givesWay)),
  ),
  ofPipeline('auditail_in_flight_batches', 'gauge', 'Batches sent and not yet answered.', ({ inFlight }) => inFlight),
  ofPipeline('auditail_batches_total', 'counter', 'Batches settled.', ({ batches }) => batches),
  ofPipeline('auditail_retries_total', 'counter', 'Sendings that had to be done again.', ({ retries }) => retries),
  ofPipeline(
    'auditail_duplicates_total',
    'counter',
    'Events that the receiver had already; they count as delivered.',
    ({ duplicates }) => duplicates,
  ),
  ofPipeline(
    'auditail_read_events_total',
    'counter',
    'Events read, over all runs: the sum of auditail_events_total.',
    ({ totals }) => totals.readEvents,
  ),
  ofPipeline(
    'auditail_read_bytes_total',
    'counter',
    'Bytes of the log read, over all runs.',
    ({ totals }) => totals.readBytes,
  ),
  {
    name: 'auditail_events_total',
    type: 'counter',
    help: 'Events by outcome (delivered, filtered, dead_lettered, lost), over all runs. filtered has a rule, dead_lettered and lost a reason.',
    labels: ['source', 'output', 'outcome', 'reason', 'rule'],
    samples: ({ pipelines }) => pipelines.flatMap(eventSamples),
  },
  {
    name: 'auditail_bytes_total',
    type: 'counter',
    help: 'Bytes of lines by outcome, over all runs. skipped: bytes that are no line (NULs, empty lines).',
    labels: ['source', 'output', 'outcome'],
    samples: ({ pipelines }) => pipelines.flatMap(byteSamples),
  },
  {
    name: 'auditail_filtered_bytes_total',
    type: 'counter',
    help: 'Bytes of lines that were filtered, by the rule, over all runs.',
    labels: ['source', 'output', 'rule'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ source, output, totals: { filteredBytesBy = {} } }) =>
        Object.entries(filteredBytesBy).map(([rule, value]) => ({ labels: { source, output, rule }, value })),
      ),
  },
  {
    name: 'auditail_cut_values_total',
    type: 'counter',
    help: 'Values that were cut out of events that were let through, over all runs, by what was done (redacted, trimmed) and by kind (secret-data, token, managed-fields, …).',
    labels: ['source', 'output', 'what', 'kind'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ source, output, totals }) =>
        (['redacted', 'trimmed'] as const).flatMap((what) =>
          Object.entries(totals[what] ?? {}).map(([kind, value]) => ({
            labels: { source, output, what, kind },
            value,
          })),
        ),
      ),
  },
  ofPipeline(
    'auditail_failed_conditions_total',
    'counter',
    'How often a condition could not be worked out on an event, which it then did not keep back, over all runs.',
    ({ totals }) => totals.failedConditions ?? 0,
  ),
  {
    name: 'auditail_loss_records_total',
    type: 'counter',
    help: 'Parts of the log that were lost, by reason; the ledger says which (auditail status --ledger).',
    labels: ['source', 'output', 'reason'],
    samples: ({ pipelines }) =>
      pipelines.flatMap(({ source, output, losses }) =>
        Object.entries(losses).map(([reason, value]) => ({ labels: { source, output, reason }, value })),
      ),
  },
  ofPipeline(
    'auditail_last_delivery_timestamp_seconds',
    'gauge',
    'When the receiver last took a batch, in seconds since the epoch; not there where it never did.',
    ({ lastDeliveredAt }) => (lastDeliveredAt === '' ? null : Date.parse(lastDeliveredAt) / 1000),
  ),
  ofDeadLetter('auditail_dead_letter_records', 'Events that are set aside now.', ({ records }) => records),
  ofDeadLetter('auditail_dead_letter_bytes', 'Bytes in the dead letter.', ({ bytes }) => bytes),
  ofDeadLetter(
    'auditail_dead_letter_max_bytes',
    'Bound on the dead letter; when it is full, the pipeline holds.',
    ({ maxBytes }) => maxBytes,
  ),
  ofAgent('auditail_memory_bytes', 'Bytes of the trail that are held in memory.', ({ memory }) => memory.usedBytes),
  ofAgent('auditail_memory_max_bytes', 'Bound on these.', ({ memory }) => memory.maxBytes),
  ...ALERT_MEASURES,
];

function ofConfiguration(
  name: Measure['name'],
  type: Measure['type'],
  help: string,
  value: (configuration: ConfigurationStatus) => number,
): Measure {
  // What ships once reads its configuration once.
  const samples = ({ configuration, startedAt: loadedAt }: AgentStatus) => [
    { labels: {}, value: value(configuration ?? { loadedAt, reloads: 0, failures: 0, refused: null }) },
  ];
  return { name, type, help, labels: [], samples };
}

function ofSource(
  name: Measure['name'],
  type: Measure['type'],
  help: string,
  value: (source: SourceStatus) => number,
): Measure {
  const samples = ({ sources }: AgentStatus) =>
    sources.map((source) => ({ labels: { source: source.name }, value: value(source) }));
  return { name, type, help, labels: ['source'], samples };
}

function ofPipeline(
  name: Measure['name'],
  type: Measure['type'],
  help: string,
  value: (pipeline: PipelineStatus) => number | null,
): Measure {
  const samples = ({ pipelines }: AgentStatus) =>
    pipelines.flatMap((pipeline) => {
      const number = value(pipeline);
      return number === null ? [] : [{ labels: { source: pipeline.source, output: pipeline.output }, value: number }];
    });
  return { name, type, help, labels: ['source', 'output'], samples };
}

function ofDeadLetter(
  name: Measure['name'],
  help: string,
  value: (deadLetter: AgentStatus['deadLetters'][number]) => number,
): Measure {
  const samples = ({ deadLetters }: AgentStatus) =>
    deadLetters.map((deadLetter) => ({ labels: { output: deadLetter.output }, value: value(deadLetter) }));
  return { name, type: 'gauge', help, labels: ['output'], samples };
}

function ofAgent(name: Measure['name'], help: string, value: (status: AgentStatus) => number): Measure {
  return { name, type: 'gauge', help, labels: [], samples: (status) => [{ labels: {}, value: value(status) }] };
}
