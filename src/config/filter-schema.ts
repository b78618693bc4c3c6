import * as z from 'zod';
import { name } from './common-schema.ts';

/** The fields that tell one key of a throttle from another. */
const THROTTLE_KEYS = [
  'user.username',
  'user.groups',
  'impersonatedUser.username',
  'verb',
  'stage',
  'level',
  'userAgent',
  'sourceIPs',
  'objectRef.apiGroup',
  'objectRef.resource',
  'objectRef.subresource',
  'objectRef.namespace',
  'objectRef.name',
  'responseStatus.code',
] as const;

const comparison = z.strictObject({
  name: name('Names the rule in the ledger and the metrics.'),
  when: z
    .string()
    .min(1)
    .describe('A CEL expression over the fields of the event, e.g. `objectRef.resource == "leases"`.'),
});

const paths = z.array(z.string().min(1)).default([]);

export const filter = z
  .strictObject({
    policy: z
      .union([
        z.string().min(1),
        z.strictObject({
          file: z.string().min(1).describe('Path of the file.'),
          lenient: z
            .boolean()
            .default(false)
            .describe('Read it as the API server does, which overlooks unknown fields.'),
        }),
      ])
      .optional()
      .describe(
        'An `audit.k8s.io/v1` Policy: its rules decide as in the API server. An event is lowered to the level of its rule, never raised.',
      ),
    keep: z
      .array(comparison)
      .default([])
      .describe('If there are any, one at least must match for an event to be delivered.'),
    drop: z
      .array(comparison)
      .default([])
      .describe('An event that one of these matches is not delivered. It wins over `keep`.'),
    throttle: z
      .array(
        z.strictObject({
          name: name('Names the rule in the ledger and the metrics.'),
          when: z.string().min(1).optional().describe('Which events it counts; all where this is not set.'),
          key: z
            .array(z.enum(THROTTLE_KEYS))
            .default([])
            .describe('Events that are alike in these fields share a bucket.'),
          qps: z.number().positive().describe('Events a second, by their own time.'),
          burst: z.number().int().min(1).describe('How many may come at once.'),
        }),
      )
      .default([])
      .describe('Lets so many events of a kind through. What is kept back is counted by the name of the rule.'),
    trim: z
      .strictObject({
        managedFields: z.boolean().default(false).describe('Leave out `metadata.managedFields` of bodies.'),
        paths: paths.describe('Members to leave out, e.g. `responseObject.status`.'),
      })
      .prefault({})
      .describe('What costs more than it tells. An annotation of the event says what was left out.'),
    redact: z
      .strictObject({
        enabled: z
          .boolean()
          .default(true)
          .describe('Values of Secrets, tokens and passwords do not leave the node; their keys do.'),
        paths: paths.describe('More values that go, e.g. `requestObject.spec.containers[].env[].value`.'),
      })
      .prefault({})
      .describe('What must not reach a store. An annotation of the event says how many values went.'),
  })
  .prefault({})
  .describe('Which events this output gets. What is filtered is counted by the name of the rule.');
