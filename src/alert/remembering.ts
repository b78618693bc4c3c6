import type { Event } from '../event/event.ts';
import { holdsValue, sampleOf, valueOf } from './value-bytes.ts';

/** So many values of a field are remembered, up to that length. */
const PLACES = 256;
const MAX_REMEMBERED_BYTES = 512;

/** Remembers what was made of a field, by its bytes: most events hold there what some others before them held. */
export function remembering<Made>(slot: number, make: (event: Event) => Made): (event: Event) => Made {
  const places: ({ readonly bytes: string; readonly made: Made } | undefined)[] = Array.from({ length: PLACES });
  return (event) => {
    const start = event.valueStart(slot);
    const end = event.valueEnd(slot);
    if (start === -1 || end - start > MAX_REMEMBERED_BYTES) return make(event);
    const at = sampleOf(event, slot) % PLACES;
    const known = places[at];
    if (known?.bytes.length === end - start && holdsValue(known.bytes, 0, event, slot)) return known.made;
    const made = make(event);
    places[at] = { bytes: valueOf(event, slot), made };
    return made;
  };
}
