import { expect, it } from 'vitest';
import { explainEvent } from '../../src/inspect/explain.ts';
import type { OpenedFilter } from '../../src/inspect/opened-filter.ts';
import { compareFilters } from '../../src/inspect/explain.ts';
import { openFilter } from '../../src/inspect/opened-filter.ts';
import { eventOf } from '../event/event-of.ts';

const EVENT = {
  verb: 'create',
  auditID: 'a',
  responseObject: { data: { password: 'secret' } },
  stageTimestamp: '2026-11-23T05:07:04.591933Z',
};
const WHERE = { name: 'audit.log', line: 7 };

/** A filter that takes the value of a password away. */
function redacting(value = '"-"'): OpenedFilter {
  return {
    ...openFilter('redacting', { keep: [], drop: [] }),
    filter: {
      hash: 'x',
      rules: [],
      failures: () => 0,
      judge: ({ bytes }) => {
        const start = bytes.indexOf('"secret"');
        return { type: 'edit', splices: [{ start, end: start + 8, with: Buffer.from(value) }] };
      },
    },
  };
}

it('names what is changed, and shows bytes only where they are asked for', () => {
  const explained = explainEvent(redacting(), eventOf(EVENT), WHERE, false);
  expect(explained).toMatchObject({
    outcome: 'delivered',
    changes: [{ path: 'responseObject.data.password', bytesBefore: 8, bytesAfter: 3 }],
  });
  expect(JSON.stringify(explained)).not.toContain('secret');
  const { before, after } = explainEvent(redacting(), eventOf(EVENT), WHERE, true);
  expect([before, after]).toEqual([JSON.stringify(EVENT), JSON.stringify(EVENT).replace('secret', '-')]);
});

it('tells a change of the delivered bytes from none', () => {
  const event = eventOf(EVENT);
  const open = openFilter('open', { keep: [], drop: [] });
  const closed = openFilter('closed', { keep: [], drop: [{ name: 'all', when: 'true' }] });
  const kind = (a: OpenedFilter, b: OpenedFilter) => compareFilters(a, b, event, WHERE)?.kind ?? 'same';
  expect(kind(open, redacting())).toBe('changed');
  expect(kind(redacting(), redacting())).toBe('same');
  // As many bytes, but others.
  expect(kind(redacting('"a"'), redacting('"b"'))).toBe('changed');
  expect(kind(open, open)).toBe('same');
  expect(kind(open, closed)).toBe('hidden');
  expect(kind(closed, redacting())).toBe('added');
  expect(kind(closed, closed)).toBe('same');
});

it('tries the rules up to the one that decides', () => {
  const opened = openFilter('f', {
    drop: [
      { name: 'body', when: 'requestObject.spec.x == 1' },
      { name: 'gets', when: 'verb == "get"' },
    ],
    keep: [
      { name: 'lists', when: 'verb == "list"' },
      { name: 'creates', when: 'verb == "create"' },
      { name: 'never-tried', when: 'true' },
    ],
  });
  const { tried, rule } = explainEvent(opened, eventOf(EVENT), WHERE, false);
  expect(tried.map((trial) => `${trial.rule} ${trial.answer}`)).toEqual([
    'body failed',
    'gets no',
    'lists no',
    'creates yes',
  ]);
  expect(tried[0]?.words).not.toContain('\n');
  expect(rule).toBe('creates');
});
