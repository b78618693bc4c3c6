import type { Notification } from './notification.ts';
import { plain, render } from './template.ts';

/** Added to what is told: where it comes from. */
export interface Origin {
  readonly cluster?: string;
  readonly node?: string;
}

/** A notification as a JSON document: what a webhook gets, and what stands in a dead letter. Times are RFC 3339. */
export function documentOf(notification: Notification, origin: Origin): Readonly<Record<string, unknown>> {
  const { startsMs, lastMs, lastsMs: _, summary, ...rest } = notification;
  return {
    version: 1,
    ...rest,
    ...origin,
    summary: render(summary, plain),
    startsAt: new Date(startsMs).toISOString(),
    lastAt: new Date(lastMs).toISOString(),
  };
}
