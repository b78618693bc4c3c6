import { EventView } from '../../src/event/event-view.ts';

/** A view over a line of its own; throws where that is no event. */
export function eventOf(line: string | Buffer | object): EventView {
  const text = typeof line === 'string' || Buffer.isBuffer(line) ? line : JSON.stringify(line);
  const bytes = Buffer.from(text as string);
  const view = new EventView();
  const malformed = view.read(bytes, 0, bytes.length);
  if (malformed !== null) throw new Error(`${malformed}: ${bytes.toString()}`);
  return view;
}
