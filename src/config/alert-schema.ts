import * as z from 'zod';
import { alertOverrideSchema, SEVERITIES } from './alert-rule-schema.ts';
import { name, reference } from './common-schema.ts';
import { auth, headers, retry, timeout, tls, urls } from './network-schema.ts';
import { duration, durationOr } from './units.ts';

const receiverBase = {
  name: name('Names the receiver in metrics, logs and the state.'),
  minSeverity: z.enum(SEVERITIES).default('info').describe('Alerts that are less bad are not told here.'),
  rules: z
    .array(z.string().min(1))
    .min(1)
    .default(['*'])
    .describe('Names of the rules whose alerts are told here; `*` stands for any text.'),
  sendResolved: z.boolean().default(true).describe('Whether to tell that an alert is over.'),
  rateLimit: z
    .strictObject({
      perMinute: z.int().min(1).max(100_000).default(60).describe('So many notifications a minute,'),
      burst: z.int().min(1).max(100_000).default(30).describe('… and so many at once. The others wait their turn.'),
    })
    .prefault({})
    .describe('How fast it is told.'),
  retry,
  giveUpAfter: duration('A notification that could not be delivered for so long is set aside.', {
    min: 1000,
  }).prefault('1d'),
  maxPending: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('When more than these wait, the oldest are set aside.'),
};

const network = { url: urls, headers, auth, tls, timeout };

const webhook = z.strictObject({
  ...receiverBase,
  type: z.literal('webhook').describe('POSTs each notification as JSON (docs/alerts.md has its fields).'),
  ...network,
});

const alertmanager = z.strictObject({
  ...receiverBase,
  type: z.literal('alertmanager').describe('Prometheus Alertmanager, API v2.'),
  ...network,
});

const slack = z.strictObject({
  ...receiverBase,
  type: z.literal('slack').describe('Slack’s incoming webhooks, and what else takes their `text`.'),
  ...network,
  url: reference('The address of the webhook. It is a secret: take it from a variable or a file.'),
});

const output = z.strictObject({
  ...receiverBase,
  type: z.literal('output').describe('An output of this agent: alerts become documents beside the events.'),
  output: name('Name of the output.'),
});

export const alertReceiverSchema = z.discriminatedUnion('type', [webhook, alertmanager, slack, output]);

/** The section `alerts` of the configuration. */
export const alertsSchema = z.strictObject({
  rules: z
    .array(z.string().min(1))
    .min(1, 'must name one file or directory at least')
    .describe('Files of rules, or directories with such files (`*.yaml`). They are read again when they change.'),
  overrides: z
    .record(z.string(), alertOverrideSchema)
    .default({})
    .describe('Changes of single rules, by their name, without touching the files.'),
  receivers: z.array(alertReceiverSchema).default([]).describe('Who is told.'),
  startAt: durationOr(
    ['oldest', 'newest'],
    'Where a first run starts: the oldest backup, the end of the live file, or so long ago.',
  ).prefault('newest'),
  maxDelay: duration(
    'What is only counted waits no longer than this for more; what somebody may have to be told of does not wait.',
    {
      min: 5,
      max: 10_000,
    },
  ).prefault('100ms'),
  tolerance: duration('Events may come so much later than their own time and still be in order.', {
    max: 3_600_000,
  }).prefault('30s'),
  limits: z
    .strictObject({
      groups: z
        .int()
        .min(10)
        .max(10_000_000)
        .default(10_000)
        .describe('Groups that one rule remembers; the one unseen for longest is forgotten for the next.'),
      values: z
        .int()
        .min(10)
        .max(1_000_000)
        .default(1000)
        .describe('Values that a `firstSeen` rule remembers of one group.'),
    })
    .prefault({})
    .describe('Bounds on the memory of the rules, whatever is sent.'),
});

export type AlertsConfig = z.output<typeof alertsSchema>;
export type AlertReceiverConfig = z.output<typeof alertReceiverSchema>;
