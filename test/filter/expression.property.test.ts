import { Environment } from '@marcbachmann/cel-js';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExpression } from '../../src/filter/expression.ts';
import { eventOf } from '../event/event-of.ts';
import { choices, write } from '../event/writing.ts';

/** The same fields, declared anew: what is tested does not vouch for itself. */
const REFERENCE = new Environment()
  .registerVariable('verb', 'string')
  .registerVariable('stage', 'string')
  .registerVariable('sourceIPs', 'list<string>')
  .registerVariable('annotations', 'map<string, string>')
  .registerVariable('user', { schema: { username: 'string', groups: 'list<string>' } })
  .registerVariable('objectRef', { schema: { resource: 'string', namespace: 'string' } })
  .registerVariable('responseStatus', { schema: { code: 'int' } })
  .registerVariable('requestObject', 'dyn');

const words = fc.constantFrom('', 'a', 'ab', 'b', 'get', 'ü"\\', 'system:', '\n');
const odd = fc.constantFrom<unknown>(undefined, null, 5, true, [], {});
const text = fc.oneof({ weight: 6, arbitrary: words }, { weight: 1, arbitrary: odd });
const list = fc.oneof({ weight: 6, arbitrary: fc.array(text, { maxLength: 3 }) }, { weight: 1, arbitrary: odd });
const code = fc.oneof(fc.constantFrom<unknown>(0, 200, 404, -1, 4.5, 1e300, '404', 2 ** 53), odd);

const events = fc.record({
  verb: text,
  stage: text,
  sourceIPs: list,
  annotations: fc.oneof(fc.record({ a: text, b: text }), odd),
  user: fc.oneof(fc.record({ username: text, groups: list }), odd),
  objectRef: fc.oneof(fc.record({ resource: text, namespace: text }), odd),
  responseStatus: fc.oneof(fc.record({ code }), odd),
  requestObject: fc.oneof(fc.record({ n: fc.oneof(fc.integer({ min: 0, max: 3 }), odd), s: text }), odd),
});

/** The event as CEL sees it where an unset field is the zero value of its type. */
function context(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { a, b } = objectIn(event['annotations']);
  const { username, groups } = objectIn(event['user']);
  const { resource, namespace } = objectIn(event['objectRef']);
  const status = objectIn(event['responseStatus'])['code'];
  const body = event['requestObject'];
  return {
    verb: textIn(event['verb']),
    stage: textIn(event['stage']),
    sourceIPs: listIn(event['sourceIPs']),
    annotations: { a: textIn(a), b: textIn(b) },
    user: { username: textIn(username), groups: listIn(groups) },
    objectRef: { resource: textIn(resource), namespace: textIn(namespace) },
    responseStatus: { code: Number.isSafeInteger(status) ? BigInt(status as number) : 0n },
    requestObject: withInts(body ?? {}),
  };
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function withInts(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(withInts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withInts(child)]));
}

const { condition } = fc.letrec((tie) => {
  const literal = words.map((word) => JSON.stringify(word));
  const field = fc.constantFrom(
    'verb',
    'stage',
    'user.username',
    'objectRef["resource"]',
    '(objectRef).namespace',
    'annotations["a"]',
    'annotations.b',
  );
  const string = fc.oneof(
    literal,
    field,
    field,
    fc.constantFrom('(verb + stage)', 'requestObject.s', '(verb == "a" ? stage : verb)'),
  );
  const strings = fc.oneof(
    fc.constantFrom('user.groups', 'sourceIPs', '[verb, stage]', '(sourceIPs + user.groups)'),
    fc.array(literal, { maxLength: 20 }).map((items) => `[${items.join(',')}]`),
  );
  const number = fc.oneof(
    fc.constantFrom(
      '0',
      '200',
      '-1',
      '404',
      '9007199254740993',
      'responseStatus.code',
      'size(verb)',
      'sourceIPs.size()',
      '(responseStatus.code - 200 - (1 - 3))',
    ),
    fc.constant('responseStatus.code'),
  );
  const order = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
  const comparison = fc.oneof(
    fc.tuple(string, fc.constantFrom('==', '!=', '<'), string).map((parts) => parts.join(' ')),
    fc.tuple(number, order, number).map((parts) => parts.join(' ')),
    fc.tuple(string, strings).map(([one, many]) => `${one} in ${many}`),
    fc
      .tuple(fc.constantFrom('responseStatus.code', '200'), fc.constantFrom('[200, 404]', '[]', '[size(verb), 200]'))
      .map(([one, many]) => `${one} in ${many}`),
    fc
      .tuple(string, fc.constantFrom('startsWith', 'endsWith', 'contains'), string)
      .map(([one, method, other]) => `${one}.${method}(${other})`),
    fc
      .tuple(string, fc.constantFrom('^a+$', 'b', '^(get|)$', '\\\\n'))
      .map(([one, pattern]) => `${one}.matches("${pattern}")`),
    fc
      .tuple(strings, fc.constantFrom('exists', 'all', 'exists_one'), string)
      .map(([many, loop, one]) => `${many}.${loop}(x, x == ${one} || x.startsWith("s"))`),
    fc.constantFrom('requestObject.n > 1', 'requestObject.n + 1 == 2', 'true', 'false', 'requestObject == {}'),
  );
  const nested = fc.oneof(
    { weight: 3, arbitrary: comparison },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('condition'), fc.constantFrom('&&', '||', '=='), tie('condition'))
        .map(([left, op, right]) => `(${left}) ${op} (${right})`),
    },
    { weight: 1, arbitrary: tie('condition').map((inner) => `!(${inner})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('condition'), tie('condition'), tie('condition'))
        .map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
    },
  );
  return { condition: nested as fc.Arbitrary<string> };
});

/** What an evaluation comes to: its value, or that it failed. */
function outcome(evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch {
    return 'failed';
  }
}

test('closures and cel-js over the lazy event answer as cel-js over the parsed event', () => {
  const seen = new Set<unknown>();
  fc.assert(
    fc.property(condition, fc.array(events, { minLength: 1, maxLength: 4 }), fc.nat(), (expression, some, seed) => {
      const reference = REFERENCE.parse(expression);
      const checked = reference.check();
      const compiled = compileExpression(expression);
      expect({ expression, sound: compiled.ok }).toEqual({ expression, sound: checked.valid });
      if (!compiled.ok) return;
      for (const event of some) {
        const line = write({ ...event, stageTimestamp: '2024-01-01T00:00:00Z' }, choices(seed));
        const known = context(JSON.parse(line) as Record<string, unknown>);
        const expected = outcome(() => reference(known));
        seen.add(expected);
        const view = eventOf(line);
        const is = outcome(() => compiled.holds(view));
        expect({ expression, line, is }).toEqual({ expression, line, is: expected });
      }
    }),
    { numRuns: 400 },
  );
  expect([...seen].sort()).toEqual(['failed', false, true].sort());
});

test('has() answers what JSON.parse shows', () => {
  fc.assert(
    fc.property(events, fc.nat(), (event, seed) => {
      const line = write({ ...event, stageTimestamp: '2024-01-01T00:00:00Z' }, choices(seed));
      const parsed = JSON.parse(line) as Record<string, unknown>;
      for (const path of ['user.username', 'user.groups', 'objectRef.resource', 'responseStatus.code']) {
        const [outer, inner] = path.split('.') as [string, string];
        const there = Object.hasOwn(objectIn(parsed[outer]), inner) && objectIn(parsed[outer])[inner] !== null;
        for (const expression of [`has(${path})`, `[1].exists(x, has(${path}))`]) {
          const compiled = compileExpression(expression);
          expect(compiled.ok && compiled.holds(eventOf(line))).toBe(there);
        }
      }
    }),
  );
});
