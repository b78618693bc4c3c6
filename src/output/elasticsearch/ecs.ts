import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import { type Repaired, repairUtf8, restoreUtf8 } from '../invalid-utf8.ts';
import type { Metadata } from '../metadata.ts';
import { actionWriter } from './action.ts';
import { addedText, addedTo, asciiJson } from './added.ts';
import { writeContentId } from './content-id.ts';
import { ecsEvent, plainEvent } from './ecs-event.ts';
import { type Encode, NO_TIME } from './encode.ts';
import { type Target, timeSlot } from './target.ts';

const DATASET = 'kubernetes.audit_logs';

/**
 * Writes an event as published detection rules read it: the event under `kubernetes.audit` (see ecs-event.ts for what changes in it), and
 * beside it the ECS fields that Elastic's kubernetes integration fills from it. Action and id are those of `bulkEncoder`.
 */
export function ecsEncoder(target: Target, metadata: Metadata): Encode {
  const actionOf = actionWriter(target);
  const fixed = `"data_stream":${asciiJson(dataStreamOf(target))},`;
  const cluster = metadata.cluster === undefined ? '' : `,"cluster":{"name":${asciiJson(metadata.cluster)}}`;

  return function encode(event, line, item) {
    const slot = timeSlot(event);
    if (slot === -1) return NO_TIME;
    const made = ecsEvent(event);
    const repaired = repairUtf8(made.bytes, 0, made.length);
    const writer = new Members(event, item, repaired);
    const added = addedText(metadata, repaired, made.annotationKeys);
    item.copy(actionOf(event, slot));
    writeContentId(line, item);
    item.latin1(`"}}\n{${added}${fixed}"@timestamp":`);
    item.copy(event.bytes, event.valueStart(slot), event.valueEnd(slot));
    item.latin1(
      `,"event":{"kind":"event","module":"kubernetes","dataset":"${DATASET}","outcome":"${outcomeOf(event)}"`,
    );
    writer.text(',"action":', SLOT.verb);
    item.latin1('},"user":{');
    const comma = writer.text('"name":', SLOT['user.username']) ? ',' : '';
    writer.text(`${comma}"id":`, SLOT['user.uid']);
    item.latin1('}');
    if (writer.text(',"user_agent":{"original":', SLOT.userAgent)) item.latin1('}');
    if (writer.list(',"source":{"ip":', SLOT.sourceIPs) && writer.list('},"client":{"ip":', SLOT.sourceIPs)) {
      item.latin1('}');
    }
    item.latin1(`,"orchestrator":{"type":"kubernetes"${cluster}`);
    writer.text(',"namespace":', SLOT['objectRef.namespace']);
    if (writer.text(',"resource":{"type":', SLOT['objectRef.resource'])) {
      writer.text(',"name":', SLOT['objectRef.name']);
      item.latin1('}');
    }
    item.latin1('},"kubernetes":{"audit":');
    if (repaired === null) item.event(made.bytes, 0, made.length);
    else item.event(repaired.bytes, 0, repaired.bytes.length);
    item.latin1('}}\n');
    return null;
  };
}

/** The event as it was, from what the document holds under `kubernetes.audit`. */
export function ecsEventBytes(batch: Batch, item: number): Buffer {
  const { invalidUtf8, annotationKeys } = addedTo(batch, item);
  const stored = batch.bytes.subarray(batch.eventStart(item), batch.eventEnd(item));
  return plainEvent(invalidUtf8 === undefined ? stored : restoreUtf8(stored, invalidUtf8.at), annotationKeys);
}

/** Copies values of the event to other places of the document. */
class Members {
  readonly #event: Event;
  readonly #item: ItemWriter;
  readonly #isRepaired: boolean;

  constructor(event: Event, item: ItemWriter, repaired: Repaired | null) {
    this.#event = event;
    this.#item = item;
    this.#isRepaired = repaired !== null;
  }

  /** Writes `before` and the value if that is a string; whether it did. */
  text(before: string, slot: number): boolean {
    return this.#copy(before, slot, 0x22);
  }

  list(before: string, slot: number): boolean {
    return this.#copy(before, slot, 0x5b);
  }

  #copy(before: string, slot: number, first: number): boolean {
    const { bytes } = this.#event;
    const start = this.#event.valueStart(slot);
    if (start === -1 || bytes[start] !== first) return false;
    const end = this.#event.valueEnd(slot);
    this.#item.latin1(before);
    const repaired = this.#isRepaired ? repairUtf8(bytes, start, end) : null;
    if (repaired === null) this.#item.copy(bytes, start, end);
    else this.#item.copy(repaired.bytes);
    return true;
  }
}

function outcomeOf(event: Event): 'success' | 'failure' | 'unknown' {
  const decision = event.annotation('authorization.k8s.io/decision');
  if (decision === 'allow') return 'success';
  return decision === 'forbid' ? 'failure' : 'unknown';
}

/** The parts of `type-dataset-namespace`. Rules ask for the dataset, so another name of a stream changes the namespace only. */
function dataStreamOf({ kind, pattern }: Target): { type: string; dataset: string; namespace: string } {
  const parts = kind === 'data stream' ? /^logs-[^-]+-(.+)$/.exec(pattern) : null;
  return { type: 'logs', dataset: DATASET, namespace: parts?.[1] ?? 'default' };
}
