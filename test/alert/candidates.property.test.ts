import { array, assert, constantFrom, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { Engine } from '../../src/alert/engine.ts';
import { Matcher } from '../../src/alert/matcher.ts';
import { EventView } from '../../src/event/event-view.ts';
import { compileExpression } from '../../src/filter/expression.ts';
import { line, rule } from './rules.ts';

const SIDES = [
  'verb == "get"',
  'responseStatus.code < 400',
  'responseStatus.code in [401, 403]',
  'user.username.startsWith("system:")',
  'objectRef.resource == ""',
  'has(impersonatedUser.username)',
  'objectRef.namespace == "shop"',
  'size(auditID) == 4',
  'annotations["a"] == "b"',
  'requestObject.spec.x == 1',
  '(verb == "list" || requestObject.spec.x == 2)',
];
const pick = <Value>(...values: readonly Value[]) => constantFrom(...values);

const EVENTS = array(
  record({
    user: pick('alice', 'system:node:a', 'sys', ''),
    verb: pick('get', 'list', 'ge', 'create'),
    resource: pick('', 'pods', 'secrets'),
    subresource: pick('', 'exec'),
    namespace: pick('shop', 'kube-system'),
    code: pick(200, 401, 403, 0),
    stage: pick('ResponseComplete', 'ResponseStarted'),
    auditID: pick('1234', '12345'),
    annotations: pick<object | undefined>(undefined, { a: 'b' }),
    body: pick<unknown>(undefined, { spec: { x: 1 } }, { spec: { x: 2 } }, { spec: 3 }),
  }),
  { minLength: 1, maxLength: 20 },
);
const RULES = array(
  record({
    sides: array(pick(...SIDES), { minLength: 1, maxLength: 4 }),
    users: array(pick('alice', 'system:*'), { maxLength: 2 }),
    verbs: pick(undefined, ['get'], ['list', 'create']),
    resources: pick(undefined, ['pods'], ['pods/*', 'secrets']),
  }),
  { minLength: 1, maxLength: 4 },
);

function holds(when: string, event: EventView): boolean {
  const compiled = compileExpression(when);
  if (!compiled.ok) throw new Error(compiled.message);
  try {
    return compiled.holds(event);
  } catch {
    return false;
  }
}

const isOf = (names: readonly string[], text: string) =>
  names.some((name) => (name.endsWith('*') ? text.startsWith(name.slice(0, -1)) : text === name));

test('an event matches the rules that it would match if each were asked all of its questions, whatever came before it', () => {
  assert(
    property(RULES, EVENTS, (written, events) => {
      const rules = written.map(({ sides, users, verbs, resources }, at) =>
        rule({ name: `r${at}`, when: sides.join(' && '), except: { users }, verbs, resources }),
      );
      const limits = { maxGroups: 10, maxValues: 10, toleranceMs: 1000 };
      const engine = new Engine({ source: 'audit', limits });
      engine.use(rules);
      const matcher = new Matcher(rules, engine);
      const view = new EventView();
      for (const [at, event] of events.entries()) {
        const bytes = Buffer.from(line(at, event));
        view.read(bytes, 0, bytes.length);
        const name = event.subresource === '' ? event.resource : `${event.resource}/${event.subresource}`;
        const expected = written.flatMap(({ sides, users, verbs, resources }, index) => {
          const looks =
            event.stage === 'ResponseComplete' &&
            (verbs === undefined || verbs.includes(event.verb)) &&
            (resources === undefined || isOf(resources, name));
          return looks && holds(sides.join(' && '), view) && !isOf(users, event.user) ? [`r${index}`] : [];
        });
        const matched = matcher.judge(view)
          ? matcher.found(view, { bytes, start: 0, end: bytes.length }).matches.map((match) => match.rule)
          : [];
        expect(matched).toEqual(expected);
      }
    }),
    { numRuns: 150 },
  );
});
