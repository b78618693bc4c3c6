import type { Event } from '../../../src/event/event.ts';
import { FIELDS } from '../../../src/event/field.ts';

/** A view of an event for tests of the encoder: nested fields with their spans, nanoseconds, annotations. Slow and simple. */
export function auditEvent(line: Buffer, start = 0, end = line.length): Event {
  const json = JSON.parse(line.toString('utf8', start, end)) as Record<string, unknown>;
  const spans = new Map<string, readonly [number, number]>();
  collect(line, start, '', spans);
  function valueOf(slot: number): unknown {
    return (FIELDS[slot] as string)
      .split('.')
      .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), json);
  }
  function text(slot: number): string {
    const value = valueOf(slot);
    return typeof value === 'string' ? value : '';
  }
  const timeText = () => String(json['stageTimestamp'] ?? json['requestReceivedTimestamp'] ?? '');
  return {
    bytes: line,
    start,
    end,
    isAscii: false,
    has: (slot) => valueOf(slot) !== undefined && valueOf(slot) !== null,
    text,
    number: (slot) => Number(valueOf(slot) ?? 0),
    list: () => [],
    marks: () => 0,
    managedFields: () => null,
    valueStart: (slot) => spans.get(FIELDS[slot] as string)?.[0] ?? -1,
    valueEnd: (slot) => spans.get(FIELDS[slot] as string)?.[1] ?? -1,
    annotation(key) {
      const { annotations } = json;
      const value = isObject(annotations) ? annotations[key] : undefined;
      return typeof value === 'string' ? value : '';
    },
    timeMs: () => Date.parse(timeText()),
    instant() {
      const ns = this.timeNs();
      const seconds = ns / 1_000_000_000n - (ns < 0n && ns % 1_000_000_000n !== 0n ? 1n : 0n);
      return { seconds: Number(seconds), nanos: Number(ns - seconds * 1_000_000_000n) };
    },
    timeNs() {
      const [whole, fraction = ''] = timeText().replace('Z', '').split('.');
      return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
    },
    timeText,
    json: () => json,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Notes the spans of all members of nested objects by dotted path; returns where the value ends. */
function collect(line: Buffer, at: number, path: string, spans: Map<string, readonly [number, number]>): number {
  const first = line[at];
  if (first === 0x22) return stringEnd(line, at);
  if (first !== 0x7b && first !== 0x5b) {
    let end = at;
    while (end < line.length && !',}] \n\t\r'.includes(String.fromCharCode(line[end] as number))) end += 1;
    return end;
  }
  const inObject = first === 0x7b;
  let next = space(line, at + 1);
  while (line[next] !== 0x7d && line[next] !== 0x5d) {
    let name = '';
    if (inObject) {
      const keyEnd = stringEnd(line, next);
      name = path + JSON.parse(line.toString('utf8', next, keyEnd));
      next = space(line, space(line, keyEnd) + 1);
    }
    const end = collect(line, next, inObject ? `${name}.` : '\0', spans);
    if (inObject) spans.set(name, [next, end]);
    next = space(line, end);
    if (line[next] === 0x2c) next = space(line, next + 1);
  }
  return next + 1;
}

function stringEnd(line: Buffer, at: number): number {
  let end = at + 1;
  while (line[end] !== 0x22) end += line[end] === 0x5c ? 2 : 1;
  return end + 1;
}

function space(line: Buffer, at: number): number {
  let next = at;
  while (' \n\t\r'.includes(String.fromCharCode(line[next] ?? 0))) next += 1;
  return next;
}
