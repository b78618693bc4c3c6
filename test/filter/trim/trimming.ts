import { applySplices } from '../../../src/event/splice.ts';
import { Edits } from '../../../src/filter/edits.ts';
import { parsePath } from '../../../src/filter/trim/field-path.ts';
import { createTrimmer } from '../../../src/filter/trim/trimmer.ts';
import { eventOf } from '../../event/event-of.ts';

/** An event as it goes out. */
export function trim(
  line: string | object,
  managedFields: boolean,
  ...paths: readonly string[]
): Record<string, unknown> {
  const event = eventOf(line);
  const edits = new Edits();
  createTrimmer({ managedFields, paths: paths.map(pathOf) }).find(event, edits);
  const scratch = { bytes: Buffer.alloc(0) };
  const length = applySplices(event.bytes, event.start, event.end, edits.take(event) ?? [], scratch);
  return JSON.parse(scratch.bytes.toString('utf8', 0, length)) as Record<string, unknown>;
}

export function pathOf(text: string) {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.message}`);
  return parsed.path;
}
