import { hash } from 'node:crypto';
import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';

/** The API server gives each request a time of its own; the Audit-ID alone is the client's to choose. */
const NAMED_BY = [SLOT.auditID, SLOT.requestReceivedTimestamp, SLOT['user.username'], SLOT.requestURI] as const;
const SCRATCH = Buffer.allocUnsafeSlow(4096);

/** Names the request of an event, the same in all of its stages: by the bytes of what tells it apart, as they stand there. */
export function requestOf(event: Event): string {
  let length = 0;
  for (const slot of NAMED_BY) length += event.valueEnd(slot) - event.valueStart(slot) + 1;
  const named = length <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafe(length);
  let at = 0;
  for (const slot of NAMED_BY) {
    const start = event.valueStart(slot);
    if (start !== -1) at += event.bytes.copy(named, at, start, event.valueEnd(slot));
    // Which JSON cannot hold.
    named[at] = 0;
    at += 1;
  }
  return hash('sha256', named.subarray(0, at), 'hex').slice(0, 16);
}
