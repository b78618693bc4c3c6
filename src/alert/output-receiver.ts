import { hash } from 'node:crypto';
import type { Event } from '../event/event.ts';
import type { Output, SendResult } from '../output/output.ts';
import type { Batch, ItemWriter } from '../pipeline/batch.ts';
import { documentOf, type Origin } from './document.ts';
import type { Notification } from './notification.ts';
import type { Receiver, Told } from './receiver.ts';

/** What builds batches of one event, and reads it: handed in, as stages do not call each other. */
export interface EventTools {
  read(bytes: Buffer): Event | null;
  batch(key: string, write: (item: ItemWriter) => void): Batch;
}

/**
 * Tells an output of the agent. The alert takes the form of an audit event, so that it fits into the same index and the
 * same streams: what it has beside the fields of an event stands in its annotations, under `alert.auditail.io/`.
 */
export function createOutputReceiver(name: string, output: Output, tools: EventTools, origin: Origin): Receiver {
  return {
    name,
    type: 'output',
    async tell(notification, signal) {
      const bytes = Buffer.from(JSON.stringify(alertEvent(notification, origin)));
      const event = tools.read(bytes);
      if (event === null) throw new Error('an alert is no event');
      let refusal: Told | undefined;
      const batch = tools.batch(notification.id, (item) => {
        const answer = output.encode(event, { bytes, start: 0, end: bytes.length }, item);
        if (answer !== null && 'reason' in answer) refusal = { outcome: 'refused', status: 0, ...answer };
      });
      return refusal ?? judge(await output.send({ batch, items: [0] }, signal));
    },
    close: () => output.close(),
  };
}

function judge({ rejected: [rejected], again: [again] }: SendResult): Told {
  if (rejected !== undefined) {
    const { reason, words, status } = rejected;
    return { outcome: 'refused', reason, words, status };
  }
  if (again === undefined) return { outcome: 'told' };
  const { reason, words, status, retryAfterMs } = again;
  if (again.how === 'split') return { outcome: 'refused', reason, words, status };
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { outcome: again.how === 'hold' ? 'hold' : 'retry', reason, words, status, ...after };
}

const PREFIX = 'alert.auditail.io/';

/** The alert as an event of the trail's own form, by the time of its last match. */
export function alertEvent(notification: Notification, origin: Origin): object {
  const { rule, severity, status, events, lastMs, id } = notification;
  const document = documentOf(notification, origin);
  const event = events.at(-1);
  const annotations: Record<string, string> = {};
  for (const key of ['summary', 'description', 'action', 'fingerprint', 'source', 'startsAt', 'count', 'runbook']) {
    const value = document[key];
    if (value !== undefined && value !== '') annotations[PREFIX + key] = String(value);
  }
  annotations[`${PREFIX}rule`] = rule;
  annotations[`${PREFIX}severity`] = severity;
  annotations[`${PREFIX}status`] = status;
  annotations[`${PREFIX}techniques`] = notification.techniques.join(', ');
  annotations[`${PREFIX}auditIDs`] = events.map(({ auditID }) => auditID).join(', ');
  const [resource = '', subresource] = (event?.resource ?? '').split('/');
  const time = new Date(lastMs).toISOString();
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    // An id of its own: the alert must not take the place of the event that it is about.
    auditID: `alert-${hash('sha256', id, 'hex').slice(0, 32)}`,
    stage: 'ResponseComplete',
    requestURI: `/auditail/alerts/${rule}`,
    verb: 'alert',
    user: { username: event?.user ?? '' },
    ...(event?.as === undefined ? {} : { impersonatedUser: { username: event.as } }),
    sourceIPs: event === undefined || event.sourceIPs === '' ? [] : event.sourceIPs.split(', '),
    userAgent: event?.userAgent ?? '',
    objectRef: {
      resource,
      ...(subresource === undefined ? {} : { subresource }),
      namespace: event?.namespace ?? '',
      name: event?.name ?? '',
    },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    annotations,
  };
}
