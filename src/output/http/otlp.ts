import type { Event } from '../../event/event.ts';
import { SLOT } from '../../event/field.ts';
import type { Batch, ItemWriter } from '../../pipeline/batch.ts';
import { contentId } from '../elasticsearch/content-id.ts';
import { type Repaired, repairUtf8, restoreUtf8 } from '../invalid-utf8.ts';
import type { Metadata } from '../metadata.ts';
import type { Output, RawLine, Refusal } from '../output.ts';
import { type Framing, framing, overhead } from './encode.ts';

/** The names by which OpenShift's log forwarder sends audit events; there is no semantic convention for them. */
const TEXTS = [
  ['k8s.audit.event.level', SLOT.level],
  ['k8s.audit.event.stage', SLOT.stage],
  ['k8s.audit.event.id', SLOT.auditID],
  ['k8s.audit.event.request.uri', SLOT.requestURI],
  ['k8s.audit.event.request.verb', SLOT.verb],
  ['k8s.audit.event.user_agent', SLOT.userAgent],
  ['k8s.user.username', SLOT['user.username']],
  ['k8s.audit.event.object_ref.resource', SLOT['objectRef.resource']],
  ['k8s.audit.event.object_ref.name', SLOT['objectRef.name']],
  ['k8s.audit.event.object_ref.namespace', SLOT['objectRef.namespace']],
  ['k8s.audit.event.object_ref.api_group', SLOT['objectRef.apiGroup']],
  ['k8s.audit.event.object_ref.api_version', SLOT['objectRef.apiVersion']],
] as const;
const INVALID_UTF8 = 'auditail.invalid_utf8';

interface OtlpFormat extends Pick<Output, 'encode' | 'eventBytes'> {
  readonly framed: Framing;
}

/**
 * Log records of OTLP/HTTP JSON (opentelemetry-proto, logs/v1): the event itself as text in the body, what one looks for as attributes,
 * cluster and node as those of the resource; the record's uid is that of its content, the same when it is sent again. Bytes that are no UTF-8 would have the whole request refused: they are replaced, and told in an
 * attribute.
 */
export function otlpFormat(metadata: Metadata, maxBodyBytes: number | undefined): OtlpFormat {
  const names = {
    'service.name': 'kube-apiserver',
    'k8s.cluster.name': metadata.cluster,
    'k8s.node.name': metadata.node,
    'auditail.source': metadata.source,
  };
  const attributes = Object.entries(names).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: { stringValue: value } }],
  );
  const resource = JSON.stringify({ attributes });
  const before = `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{"scope":{"name":"auditail"},"logRecords":[`;
  const framed = framing('application/json', ',', before, ']}]}]}');
  const maxEventBytes = (maxBodyBytes ?? Number.POSITIVE_INFINITY) - overhead(framed) - 1;

  function encode(event: Event, line: RawLine, item: ItemWriter): Refusal | null {
    const start = item.length;
    const repaired = event.isAscii ? null : repairUtf8(event.bytes, event.start, event.end);
    item.latin1(`{"timeUnixNano":"${event.timeNs()}","severityNumber":9,"severityText":"INFO","attributes":[`);
    item.latin1(attribute('log.record.uid', `"${contentId(line)}"`));
    for (const [key, slot] of TEXTS) writeText(event, key, slot, repaired, item);
    if (event.has(SLOT['responseStatus.code'])) {
      const code = event.number(SLOT['responseStatus.code']);
      item.latin1(`,{"key":"k8s.audit.event.response.code","value":{"intValue":"${Math.trunc(code)}"}}`);
    }
    if (repaired !== null) item.latin1(`,${attribute(INVALID_UTF8, `"${repaired.at}"`)}`);
    item.latin1('],"body":{"stringValue":"');
    const length =
      repaired === null
        ? escape(event.bytes, event.start, event.end)
        : escape(repaired.bytes, 0, repaired.bytes.length);
    item.event(scratch, 0, length);
    item.latin1('"}},');
    if (item.length - start <= maxEventBytes) return null;
    return {
      reason: 'too-large',
      words: `the event has ${item.length - start} bytes; maxBodyBytes is ${maxBodyBytes}`,
    };
  }
  return { framed, encode, eventBytes };
}

/** The event as it was, out of the text that the body is. */
function eventBytes(batch: Batch, item: number): Buffer {
  const text = batch.bytes.toString('latin1', batch.eventStart(item), batch.eventEnd(item));
  const event = Buffer.from(JSON.parse(`"${text}"`) as string, 'latin1');
  const head = batch.bytes.toString('latin1', batch.itemStart(item), batch.eventStart(item));
  const note = /\{"key":"auditail\.invalid_utf8","value":\{"stringValue":"([^"]*)"/.exec(head);
  return note === null ? event : restoreUtf8(event, note[1] as string);
}

function attribute(key: string, json: string): string {
  return `{"key":"${key}","value":{"stringValue":${json}}}`;
}

/** Copies a text of the event into an attribute. Half of a surrogate pair, which Go does not take, stays in the body alone. */
function writeText(event: Event, key: string, slot: number, repaired: Repaired | null, item: ItemWriter): void {
  const { bytes } = event;
  const start = event.valueStart(slot);
  if (start === -1 || bytes[start] !== QUOTE) return;
  const end = event.valueEnd(slot);
  const value = bytes.subarray(start, end);
  if (value.includes('\\ud') || value.includes('\\uD')) return;
  item.latin1(`,{"key":"${key}","value":{"stringValue":`);
  item.copy((repaired === null ? null : repairUtf8(bytes, start, end))?.bytes ?? value);
  item.latin1('}}');
}

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** Writes JSON as the content of a JSON string to the scratch; gives its length. */
function escape(bytes: Buffer, start: number, end: number): number {
  if (scratch.length < (end - start) * 6) scratch = Buffer.allocUnsafeSlow((end - start) * 6);
  const to = scratch;
  let at = 0;
  for (let from = start; from < end; from += 1) {
    const byte = bytes[from] as number;
    if (byte === QUOTE || byte === BACKSLASH) to[at++] = BACKSLASH;
    if (byte >= 0x20) to[at++] = byte;
    else at += to.write(`\\u00${byte.toString(16).padStart(2, '0')}`, at, 'latin1');
  }
  return at;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
