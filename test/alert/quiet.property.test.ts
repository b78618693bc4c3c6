import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { Engine } from '../../src/alert/engine.ts';
import { decodeFound, encodeFound, type WrittenFound } from '../../src/alert/found-record.ts';
import type { Found } from '../../src/alert/match.ts';
import { Matcher } from '../../src/alert/matcher.ts';
import { plain, render } from '../../src/alert/template.ts';
import { EventView } from '../../src/event/event-view.ts';
import { BEGIN_MS, line, rule } from './rules.ts';

const RULES = [
  rule({ name: 'each', groupBy: ['user.username'], summary: '{{user.username}} {{count}} {{verb}}', repeat: '2m' }),
  rule({
    name: 'ending',
    groupBy: ['user.username'],
    summary: '{{user.username}} {{count}}',
    verbs: ['delete'],
    resolve: '30s',
  }),
  rule({
    name: 'count',
    groupBy: ['user.username'],
    threshold: { count: 4, window: '1m' },
    summary: '{{user.username}} {{count}}',
  }),
  rule({
    name: 'distinct',
    groupBy: ['user.username'],
    threshold: { count: 3, distinct: 'objectRef.name', window: '1m' },
    summary: '{{user.username}} {{distinct}} {{values}}',
    stages: ['ResponseStarted', 'ResponseComplete'],
  }),
];

const STEPS = array(
  record({
    wait: constantFrom(0, 0, 1, 3, 20, 70),
    user: constantFrom('alice', 'bob', 'eve?token=x'),
    name: constantFrom('a', 'b', 'c', 'd', 'e'),
    verb: constantFrom('get', 'delete'),
    stage: constantFrom('ResponseComplete', 'ResponseComplete', 'ResponseStarted'),
  }),
  { maxLength: 60 },
);

/** What is told of the events where the rules take them in batches of these sizes. */
function told(events: readonly object[], times: readonly number[], size: number, quietly: boolean) {
  const engine = new Engine({ source: 'a', limits: { maxGroups: 10, maxValues: 10, toleranceMs: 30_000 } });
  engine.use(RULES);
  const matcher = new Matcher(RULES, engine);
  const view = new EventView();
  let waiting: Found[] = [];
  let quiet = 0;
  let endedMeanwhile = false;
  const all: { text: string; shows: number }[] = [];
  const note = (notifications: ReturnType<Engine['apply']>) => {
    for (const { id, rule: name, status, summary, events: shown } of notifications)
      all.push({ text: `${id} ${name} ${status} ${render(summary, plain)}`, shows: shown.length });
  };
  const take = () => {
    note(
      engine.apply({
        type: 'found',
        found: waiting.map((one) => decodeFound(JSON.parse(encodeFound(one)) as WrittenFound)),
      }),
    );
    waiting = [];
  };
  for (const [at, event] of events.entries()) {
    const bytes = Buffer.from(line(times[at] as number, { auditID: `id-${at}`, ...event }));
    view.read(bytes, 0, bytes.length);
    if (matcher.judge(view)) {
      const one = quietly ? matcher.quietlyFound(view, view, (text) => !text.includes('?')) : null;
      if (one !== null) quiet += 1;
      const found = one ?? matcher.found(view, view);
      engine.expect(found);
      waiting.push({ ...found, occurrence: `${at}` });
    }
    if (waiting.length >= size) take();
    const nowMs = BEGIN_MS + (times[at] as number) * 1000;
    if (engine.isDue(nowMs) && waiting.length > 0) endedMeanwhile = true;
    if (engine.isDue(nowMs)) note(engine.apply({ type: 'tick', nowMs, silent: [], heard: [] }));
  }
  take();
  return { all, quiet, endedMeanwhile };
}

test('what need not be told is only counted, and all that is to be told is told as before, with events to show', () => {
  let quiet = 0;
  let endings = 0;
  assert(
    property(STEPS, integer({ min: 1, max: 20 }), (steps, size) => {
      let at = 0;
      const times = steps.map(({ wait }) => (at += wait));
      const quietly = told(steps, times, size, true);
      const fully = told(steps, times, size, false);
      quiet += quietly.quiet;
      expect(quietly.all.map(({ text }) => text)).toEqual(fully.all.map(({ text }) => text));
      expect(quietly.all.every(({ shows }) => shows > 0)).toBe(true);
      if (quietly.endedMeanwhile) endings += 1;
    }),
    { numRuns: 300 },
  );
  expect(quiet).toBeGreaterThan(100);
  // The clock ended alerts while matches of them waited: those begin them anew.
  expect(endings).toBeGreaterThan(10);
});
