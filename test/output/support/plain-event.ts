import type { Event } from '../../../src/event/event.ts';
import { FIELDS } from '../../../src/event/field.ts';

/**
 * An event for tests of encoders, slow and simple: spans of the top-level fields by a walk over the text, values by `JSON.parse`. It takes any
 * JSON object, also ones that the scanner of the agent would never let through.
 */
export function plainEvent(line: Buffer): Event {
  const start = line.indexOf('{');
  const end = line.lastIndexOf('}') + 1;
  const json = JSON.parse(line.toString('utf8')) as Record<string, unknown>;
  const spans = topLevelSpans(line, start);
  const valueOf = (slot: number) => json[FIELDS[slot] as string];
  const timeText = () => String(json['stageTimestamp'] ?? json['requestReceivedTimestamp'] ?? '');
  return {
    bytes: line,
    start,
    end,
    isAscii: false,
    has: (slot) => valueOf(slot) !== undefined && valueOf(slot) !== null,
    text: (slot) => (typeof valueOf(slot) === 'string' ? (valueOf(slot) as string) : ''),
    number: (slot) => Number(valueOf(slot) ?? 0),
    list: () => [],
    marks: () => 0,
    managedFields: () => null,
    valueStart: (slot) => spans.get(FIELDS[slot] as string)?.[0] ?? -1,
    valueEnd: (slot) => spans.get(FIELDS[slot] as string)?.[1] ?? -1,
    annotation: () => '',
    timeMs: () => Date.parse(timeText()),
    instant() {
      const ns = this.timeNs();
      const seconds = ns / 1_000_000_000n - (ns < 0n && ns % 1_000_000_000n !== 0n ? 1n : 0n);
      return { seconds: Number(seconds), nanos: Number(ns - seconds * 1_000_000_000n) };
    },
    timeNs: () => BigInt(Date.parse(timeText())) * 1_000_000n,
    timeText,
    json: () => json,
  };
}

function topLevelSpans(line: Buffer, start: number): ReadonlyMap<string, readonly [number, number]> {
  const spans = new Map<string, readonly [number, number]>();
  let depth = 0;
  let key = '';
  let valueAt = -1;
  let at = start;
  while (at < line.length) {
    const character = String.fromCharCode(line[at] as number);
    if (character === '"') {
      const from = at;
      for (at += 1; line[at] !== 0x22; at += 1) if (line[at] === 0x5c) at += 1;
      if (depth === 1 && valueAt === -1) key = JSON.parse(line.toString('utf8', from, at + 1)) as string;
    } else if (character === '{' || character === '[') depth += 1;
    else if (depth === 1 && character === ':') valueAt = at + 1;
    if (depth === 1 && valueAt !== -1 && (character === ',' || character === '}')) {
      spans.set(key, trimmed(line, valueAt, at));
      valueAt = -1;
    }
    if (character === '}' || character === ']') depth -= 1;
    at += 1;
  }
  return spans;
}

function trimmed(line: Buffer, from: number, to: number): readonly [number, number] {
  const text = line.toString('latin1', from, to);
  return [from + (text.length - text.trimStart().length), to - (text.length - text.trimEnd().length)];
}
