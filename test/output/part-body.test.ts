import { expect, it } from 'vitest';
import { eventSpan } from '../../src/output/event-span.ts';
import { partBody } from '../../src/output/part-body.ts';
import { BatchBuilder } from '../../src/pipeline/batch.ts';

function batchOfLetters(count: number) {
  const builder = new BatchBuilder(16);
  for (let number = 0; number < count; number++) {
    const start = builder.length;
    builder.byte(0x3c);
    builder.event(Buffer.from(String.fromCharCode(0x61 + number).repeat(number + 1)), 0, number + 1);
    builder.byte(0x3e);
    builder.add(start, number);
  }
  return builder.seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: 1 });
}

it('is a view of the batch where the items stand together', () => {
  const batch = batchOfLetters(4);
  expect(partBody({ batch, items: [0, 1, 2, 3] }).toString()).toBe('<a><bb><ccc><dddd>');
  const middle = partBody({ batch, items: [1, 2] });
  expect(middle.toString()).toBe('<bb><ccc>');
  expect(middle.buffer).toBe(batch.bytes.buffer);
});

it('is gathered where they do not', () => {
  const batch = batchOfLetters(4);
  expect(partBody({ batch, items: [0, 2, 3] }).toString()).toBe('<a><ccc><dddd>');
  expect(partBody({ batch, items: [3] }).toString()).toBe('<dddd>');
  expect(partBody({ batch, items: [] })).toHaveLength(0);
});

it('gives back the event that an item holds', () => {
  expect(eventSpan(batchOfLetters(3), 2).toString()).toBe('ccc');
});
