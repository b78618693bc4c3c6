import { expect, it } from 'vitest';
import { EventView } from '../../src/event/event-view.ts';
import { openFilter } from '../../src/inspect/opened-filter.ts';
import { DIMENSIONS, Statistics } from '../../src/inspect/statistics.ts';
import type { Dimension, StatisticsOptions } from '../../src/inspect/statistics.ts';
import { recordedEvents } from '../cli/made-state.ts';

const EVENTS = recordedEvents(3000).filter((line) => line.length > 0);

interface Parsed {
  readonly level: string;
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username?: string };
  readonly userAgent?: string;
  readonly objectRef?: Readonly<Record<'resource' | 'apiGroup' | 'subresource' | 'namespace', string | undefined>>;
  readonly responseStatus?: { readonly code?: number };
}

/** The same values, taken slowly from the parsed event. */
const SLOWLY: Readonly<Record<Dimension, (event: Parsed) => string>> = {
  rule: ({ objectRef }) => (objectRef?.resource === 'leases' ? 'leases' : '(delivered)'),
  level: ({ level }) => level,
  stage: ({ stage }) => stage,
  verb: ({ verb }) => verb,
  user: ({ user }) => user.username ?? '',
  resource: ({ objectRef: { resource, apiGroup, subresource } = {} as NonNullable<Parsed['objectRef']> }) =>
    [resource, apiGroup && `.${apiGroup}`, subresource && `/${subresource}`].join(''),
  namespace: ({ objectRef }) => objectRef?.namespace ?? '',
  userAgent: ({ userAgent }) => userAgent ?? '',
  code: ({ responseStatus }) => String(responseStatus?.code ?? ''),
};

function counted(options: StatisticsOptions) {
  const statistics = new Statistics(options);
  const view = new EventView();
  for (const line of EVENTS) {
    expect(view.read(line, 0, line.length)).toBe(null);
    statistics.add(view);
  }
  return statistics.report(1000);
}

const LEASES = openFilter('f', { keep: [], drop: [{ name: 'leases', when: 'objectRef.resource == "leases"' }] });

it('counts recorded events as a slow count of the parsed events does, in every dimension', () => {
  const { dimensions, events, bytes } = counted({ by: DIMENSIONS, filter: LEASES });
  expect(events).toBe(EVENTS.length);
  expect(bytes).toBe(EVENTS.reduce((sum, line) => sum + line.length, 0));
  for (const { dimension, values, rest } of dimensions) {
    const expected = new Map<string, { events: number; bytes: number }>();
    for (const line of EVENTS) {
      const whole = SLOWLY[dimension](JSON.parse(line.toString()) as Parsed);
      const value = whole.length > 256 ? `${whole.slice(0, 256)}…` : whole;
      const sum = expected.get(value) ?? { events: 0, bytes: 0 };
      expected.set(value, { events: sum.events + 1, bytes: sum.bytes + line.length });
    }
    const got = new Map(values.map((one) => [one.value, { events: one.events, bytes: one.bytes }]));
    expect(got, dimension).toEqual(expected);
    expect(rest.events).toBe(0);
  }
});

it('says what another filter would deliver, beside what is delivered now', () => {
  const all = counted({ by: [] });
  const now = counted({ by: [], filter: LEASES });
  const both = counted({ by: ['rule'], filter: LEASES, whatIf: openFilter('open', { keep: [], drop: [] }) });
  const leases = EVENTS.filter((line) => line.includes('"resource":"leases"'));
  expect(leases.length).toBeGreaterThan(0);
  expect(now.delivered).toEqual({
    events: EVENTS.length - leases.length,
    bytes: all.bytes - leases.reduce((sum, line) => sum + line.length, 0),
  });
  expect(both.delivered).toEqual(now.delivered);
  expect(both.whatIf).toEqual({ events: EVENTS.length, bytes: all.bytes });
  expect(both.dimensions[0]?.values.map(({ value }) => value)).toEqual(['(delivered)']);
});
