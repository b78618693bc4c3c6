import type { Transport } from '../output/transport.ts';
import type { Origin } from './document.ts';
import { toldBy } from './http-answer.ts';
import type { Notification } from './notification.ts';
import type { Receiver } from './receiver.ts';
import { plain, render } from './template.ts';

/**
 * Alertmanager's API v2, `POST /api/v2/alerts` (its openapi.yaml: `postableAlerts`). It knows an alert by its labels, so
 * what changes while it lasts goes into annotations, and a second sending changes nothing.
 */
export function createAlertmanager(
  name: string,
  transport: Transport,
  origin: Origin,
  now: () => number = Date.now,
): Receiver {
  return {
    name,
    type: 'alertmanager',
    async tell(notification, signal) {
      const body = Buffer.from(JSON.stringify([postableAlert(notification, origin, now())]));
      const headers = { 'content-type': 'application/json' };
      return toldBy(await transport.request({ method: 'POST', path: '/api/v2/alerts', headers, body }, signal));
    },
    close: () => transport.close(),
  };
}

/** What is sent when an alert goes on is late by the wait for it: it must not be taken for over before that. */
const SLACK_MS = 120_000;

export function postableAlert(notification: Notification, origin: Origin, nowMs: number): object {
  const { status, rule, severity, source, group, labels, summary, startsMs, count, events, lastsMs } = notification;
  const { description, action, techniques, runbook, id } = notification;
  const all = { ...labels, ...origin, source, ...namedLabels(group), severity, alertname: rule };
  const event = events.at(-1);
  const annotations = {
    summary: render(summary, plain),
    description,
    action,
    techniques: techniques.join(', '),
    runbook_url: runbook,
    count: String(count),
    auditID: event?.auditID ?? '',
    event: event === undefined ? '' : JSON.stringify(event),
    notification: id,
  };
  // Alertmanager refuses an end before the beginning: the clock of the trail may be ahead of ours.
  const startMs = Math.min(startsMs, nowMs);
  const endMs = status === 'resolved' ? nowMs : nowMs + lastsMs + SLACK_MS;
  return {
    labels: withoutEmpty(all),
    annotations: withoutEmpty(annotations),
    startsAt: new Date(startMs).toISOString(),
    endsAt: new Date(Math.max(endMs, startMs)).toISOString(),
    generatorURL: /^https?:/.test(runbook) ? runbook : '',
  };
}

/** Fields as names of labels: `user.username` is `user_username`. */
function namedLabels(group: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(group).map(([name, value]) => [name.replaceAll(/[^A-Za-z0-9_]+/g, '_'), value]),
  );
}

function withoutEmpty(texts: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}
