import type { AlertReceiverStatus, AlertRuleStatus } from '../inspect/status.ts';
import type { Measure } from './measure.ts';

/** What can be measured of the alert rules and of those who are told. */
export const ALERT_MEASURES: readonly Measure[] = [
  ofRule(
    'auditail_alert_matches_total',
    'counter',
    'Matches of an alert rule since the start.',
    ({ matches }) => matches,
  ),
  ofRule(
    'auditail_alert_notifications_total',
    'counter',
    'How often an alert rule had something to tell since the start.',
    ({ notifications }) => notifications,
  ),
  ofRule('auditail_alert_firing', 'gauge', 'Alerts of a rule that go on.', ({ firing }) => firing),
  ofRule('auditail_alert_groups', 'gauge', 'Groups that an alert rule remembers.', ({ groups }) => groups),
  ofRule(
    'auditail_alert_groups_evicted_total',
    'counter',
    'Groups and values that an alert rule forgot because there were too many: raise alerts.limits, or look who makes them.',
    ({ evicted }) => evicted,
  ),
  ofRule(
    'auditail_alert_late_total',
    'counter',
    'Matches that came later than alerts.tolerance; they count as any other.',
    ({ late }) => late,
  ),
  {
    name: 'auditail_alert_condition_failures_total',
    type: 'counter',
    help: 'Conditions of alert rules that failed on an event, which then does not match.',
    labels: ['source'],
    samples: ({ alerts = [] }) => alerts.map(({ source, failures }) => ({ labels: { source }, value: failures })),
  },
  {
    name: 'auditail_alert_rules_usable',
    type: 'gauge',
    help: '1 while the files of the alert rules are usable as they are now, 0 while rules from before are at work.',
    labels: ['source'],
    samples: ({ alerts = [] }) =>
      alerts.map(({ source, words }) => ({ labels: { source }, value: Number(words === '') })),
  },
  ofAlertReceiver(
    'auditail_alert_pending',
    'gauge',
    'Notifications that wait for a receiver.',
    ({ pending }) => pending,
  ),
  ofAlertReceiver('auditail_alert_told_total', 'counter', 'Notifications that a receiver took.', ({ told }) => told),
  ofAlertReceiver(
    'auditail_alert_retries_total',
    'counter',
    'Notifications that had to be sent again.',
    ({ retries }) => retries,
  ),
  ofAlertReceiver(
    'auditail_alert_set_aside_total',
    'counter',
    'Notifications that a receiver never got: they stand in the dead letter of alerts.',
    ({ setAside }) => setAside,
  ),
];

function ofRule(
  name: Measure['name'],
  type: Measure['type'],
  help: string,
  value: (rule: AlertRuleStatus) => number,
): Measure {
  const samples: Measure['samples'] = ({ alerts = [] }) =>
    alerts.flatMap(({ source, rules }) =>
      rules.map((rule) => ({ labels: { source, rule: rule.name }, value: value(rule) })),
    );
  return { name, type, help, labels: ['source', 'rule'], samples };
}

function ofAlertReceiver(
  name: Measure['name'],
  type: Measure['type'],
  help: string,
  value: (receiver: AlertReceiverStatus) => number,
): Measure {
  const samples: Measure['samples'] = ({ alerts = [] }) =>
    alerts.flatMap(({ source, receivers }) =>
      receivers.map((receiver) => ({ labels: { source, receiver: receiver.name }, value: value(receiver) })),
    );
  return { name, type, help, labels: ['source', 'receiver'], samples };
}
