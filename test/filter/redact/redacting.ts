import { applySplices } from '../../../src/event/splice.ts';
import { Edits } from '../../../src/filter/edits.ts';
import { createRedactor, type RedactConfig } from '../../../src/filter/redact/redactor.ts';
import { parsePath } from '../../../src/filter/trim/field-path.ts';
import { eventOf } from '../../event/event-of.ts';

export interface Redacted {
  readonly text: string;
  readonly value: Record<string, unknown>;
  /** What the annotation says, the empty string where there is none. */
  readonly marks: string;
}

/** An event as it goes out. */
export function redact(
  line: string | Buffer | object,
  { enabled = true, paths = [] as readonly string[] } = {},
): Redacted {
  const event = eventOf(line);
  const edits = new Edits();
  createRedactor(config(enabled, paths)).find(event, edits);
  const splices = edits.take(event);
  const scratch = { bytes: Buffer.alloc(0) };
  const length = splices === null ? 0 : applySplices(event.bytes, event.start, event.end, splices, scratch);
  const bytes = splices === null ? event.bytes.subarray(event.start, event.end) : scratch.bytes.subarray(0, length);
  const text = bytes.toString();
  const value = JSON.parse(text) as Record<string, unknown>;
  const annotations = (value['annotations'] ?? {}) as Record<string, string>;
  return { text, value, marks: annotations['auditail.io/redacted'] ?? '' };
}

export function config(enabled: boolean, paths: readonly string[]): RedactConfig {
  return {
    enabled,
    paths: paths.map((text) => {
      const parsed = parsePath(text);
      if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
      return parsed.path;
    }),
  };
}

/** All strings of a JSON value, and those of the JSON that stands in them. */
export function stringsOf(value: unknown): readonly string[] {
  const found: string[] = [];
  const left: unknown[] = [value];
  for (let next = left.pop(); left.length > 0 || next !== undefined; next = left.pop()) {
    if (typeof next === 'string') {
      found.push(next);
      const inner = asJson(next);
      if (inner !== undefined) left.push(inner);
    } else if (typeof next === 'object' && next !== null)
      for (const child of Object.values(next)) left.push(child ?? 0);
  }
  return found;
}

export function asJson(text: string): unknown {
  if (!/^\s*[{["]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
