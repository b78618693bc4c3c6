import * as z from 'zod';
import { name } from './common-schema.ts';
import { duration } from './units.ts';

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;

const text = z.string().min(1);
const texts = z.array(text).default([]);

const condition = z.string().min(1).describe('A CEL expression over the fields of the event, as in docs/filters.md.');

const except = z
  .strictObject({
    users: texts.describe('User names; `*` stands for any text: `system:node:*`.'),
    groups: texts.describe('Groups of the user, written in the same way.'),
    namespaces: texts.describe('Namespaces, written in the same way.'),
    userAgents: texts.describe('User agents, written in the same way.'),
    networks: texts.describe('Source networks: an event whose addresses all lie in these is left out (`10.0.0.0/8`).'),
    when: condition.optional(),
  })
  .partial()
  .describe('Events that one of these describes do not count.');

const field = text.describe('A field of the event: `user.username`, `requestObject.roleRef.name`, `sourceNetwork` …');

const threshold = z
  .strictObject({
    count: z.int().min(1).max(10_000).describe('So many matches,'),
    distinct: field.optional().describe('… or so many different values of this field,'),
    window: duration('… of one group within so long, by the time of the events.', { min: 1 }),
  })
  .describe('Fires when there are many.');

const firstSeen = z
  .strictObject({
    of: z.array(field).min(1).max(8).describe('Fields whose values together are new.'),
    learn: duration(
      'What a group shows for so long after its first event is learnt without an alert. 0s: everything that was not seen before is told.',
    ).prefault('7d'),
    learnNew: z
      .boolean()
      .default(true)
      .describe('Whether a group that appears later has a learning time of its own; if not, all of it is told.'),
  })
  .describe('Fires on values that a group has not shown before.');

const silence = z
  .strictObject({ for: duration('How long no such event may be missing.', { min: 1000 }) })
  .describe('Fires when no event matches for so long.');

const repeatedId = z
  .strictObject({
    of: field.describe('The text field that names one request: `auditID`.'),
    by: z.array(field).min(1).max(8).describe('Text fields that must be the same wherever that name stands.'),
  })
  .describe('Fires when one name stands for two different things among the last 65,536 names.');

const clockJump = z
  .strictObject({
    forward: duration('An event is so much later than the one before it,', { min: 1000 }),
    back: duration('… or so much earlier than the latest before it.', { min: 1000 }),
  })
  .describe('Fires when the time of the events jumps.');

/** One alert rule, as it is written. */
export const alertRuleSchema = z.strictObject({
  name: name('Names the rule in alerts, metrics and the state. Keep it: the state is filed under it.'),
  severity: z.enum(SEVERITIES).describe('How bad it is.'),
  description: text.describe('What it means, for whoever is woken by it.'),
  action: text.optional().describe('What to do.'),
  falsePositives: text.optional().describe('What else looks like it.'),
  techniques: texts.describe('MITRE ATT&CK techniques: `T1609`.'),
  references: texts.describe('Names of published rules that look for the same, or addresses.'),
  runbook: text.optional().describe('Address of its page.'),
  labels: z.record(z.string(), z.string()).default({}).describe('Labels that every alert of it carries.'),
  enabled: z.boolean().default(true).describe('Whether it is looked at.'),
  stages: z
    .array(z.enum(['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic']))
    .min(1)
    .default(['ResponseComplete', 'Panic'])
    .describe('Stages of the events that it looks at. A request that shows in several counts once.'),
  verbs: z.array(text).min(1).optional().describe('Verbs; all where this is not set.'),
  resources: z
    .array(text)
    .min(1)
    .optional()
    .describe('Resources as `secrets`, `pods/exec` or `pods/*`; all, and other paths, where this is not set.'),
  mentions: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      'Names of which one at least stands in the event, such as `hostPID`: looked for in the bytes of the bodies and annotations that `when` reads (anywhere, where it reads none) before anything is parsed.',
    ),
  when: condition.optional(),
  except: except.optional(),
  each: z.strictObject({}).optional().describe('Fires on every match. This is so where nothing else is said.'),
  threshold: threshold.optional(),
  firstSeen: firstSeen.optional(),
  silence: silence.optional(),
  repeatedId: repeatedId.optional(),
  clockJump: clockJump.optional(),
  groupBy: z
    .array(field)
    .max(8)
    .default(['user.username'])
    .describe('Matches with the same values of these are one alert, with one state.'),
  repeat: duration('An alert that goes on is told again after so long.', { min: 1000 }).prefault('1h'),
  resolve: duration('It counts as over when nothing more came for so long.', { min: 1000 }).optional(),
  summary: text.describe(
    'One line of text; `{{user.username}}` is filled in from the event, `{{count}}` from the alert.',
  ),
});

/** A file of rules. */
export const alertRulesFileSchema = z.strictObject({ rules: z.array(alertRuleSchema) });

export type AlertRuleConfig = z.output<typeof alertRuleSchema>;
export type AlertExceptConfig = z.output<typeof except>;
export type Severity = (typeof SEVERITIES)[number];
/** What the configuration changes of a rule without touching its file. */
export const alertOverrideSchema = z
  .strictObject({
    enabled: z.boolean().optional().describe('Whether it is looked at.'),
    severity: z.enum(SEVERITIES).optional().describe('How bad it is here.'),
    repeat: duration('An alert that goes on is told again after so long.', { min: 1000 }).optional(),
    except: except.optional(),
  })
  .describe('Changes of one rule; its exceptions are added to those of the file.');
