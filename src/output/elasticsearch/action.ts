import type { Event } from '../../event/event.ts';
import { asciiJson } from './added.ts';
import { dayOf, type Target } from './target.ts';

/** The action line of `_bulk` for an event up to its id: `create` in the index of its day. `slot`: that of its time. */
export function actionWriter(target: Target): (event: Event, slot: number) => Buffer {
  let day = 0;
  let action = actionFor(target, day);
  return function actionOf(event, slot) {
    if (!target.daily) return action;
    const eventDay = dayOf(event, slot);
    if (eventDay !== day) {
      day = eventDay;
      action = actionFor(target, day);
    }
    return action;
  };
}

function actionFor(target: Target, day: number): Buffer {
  return Buffer.from(`{"create":{"_index":${asciiJson(target.nameOn(day))},"_id":"`);
}
