import { array, assert, integer, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { remembering } from '../../src/alert/remembering.ts';
import { EventView } from '../../src/event/event-view.ts';
import { SLOT } from '../../src/event/field.ts';
import { line } from './rules.ts';

test('what is remembered of a value is never said of another, wherever the two differ', () => {
  let asked = 0;
  const read = remembering(SLOT.userAgent, (event) => {
    asked += 1;
    return event.text(SLOT.userAgent);
  });
  const view = new EventView();
  let seen = 0;
  assert(
    property(
      array(tuple(integer({ min: 0, max: 600 }), integer({ min: 0, max: 600 })), { maxLength: 20 }),
      (values) => {
        for (const [length, at] of values) {
          const userAgent = `${'a'.repeat(Math.min(at, length))}b${'a'.repeat(Math.max(0, length - at))}`;
          const bytes = Buffer.from(line(0, { userAgent }));
          view.read(bytes, 0, bytes.length);
          for (let times = 0; times < 2; times += 1) expect(read(view)).toBe(userAgent);
          seen += 2;
        }
      },
    ),
  );
  expect(asked).toBeLessThan(seen * 0.75);
});
