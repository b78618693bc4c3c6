import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { choices, write } from '../../event/writing.ts';
import { differences } from './alike.ts';
import { redact, stringsOf } from './redacting.ts';

const STAGE_TIMESTAMP = '2026-11-23T05:07:15Z';

/** Tells a secret value wherever it comes up; neither escapes nor base64 are in its way. */
const secretValue = fc.stringMatching(/^zq[a-z0-9]{6}qz$/);
const name = fc.constantFrom('password', 'tls.key', 'a/b', '__proto__x', 'data', 'token', 'kind2', 'ключ', 'q"\\');
const harmless = fc.oneof(
  fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => !/zq|kind|data|op|path|token|eyJ|H4sI|:\/\//i.test(JSON.stringify(value))),
  fc.constant({ kind: 'ConfigMap', data: { conf: 'key: value', other: '{"data":{"a":1}}' } }),
  fc.constant({ kind: 'Pod', spec: { containers: [{ image: 'r/x:1@sha256:00', env: [{ name: 'A', value: 'b' }] }] } }),
);
const data = fc.dictionary(name, secretValue, { minKeys: 1, maxKeys: 3 });

/** An object with its keys in any order. */
function shuffled(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  return fc
    .tuple(fc.record(members), fc.shuffledSubarray(Object.keys(members), { minLength: Object.keys(members).length }))
    .map(([value, order]) => Object.fromEntries(order.map((key) => [key, value[key]])));
}

const secret = fc.oneof(
  shuffled({ kind: fc.constant('Secret'), data, metadata: fc.constant({ name: 's1', labels: { app: 'web' } }) }),
  shuffled({ kind: fc.constant('Secret'), stringData: data, type: fc.constant('Opaque') }),
  shuffled({
    kind: fc.constant('SecretList'),
    items: fc.array(fc.record({ data, metadata: fc.constant({}) }), { minLength: 1, maxLength: 3 }),
  }),
  shuffled({
    kind: fc.constant('Secret'),
    metadata: secretValue.map((value) => ({
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value },
    })),
  }),
);
const review = shuffled({ kind: fc.constant('TokenReview'), spec: fc.record({ token: secretValue }), extra: harmless });

/** A body that holds Secrets in places where they are found, beside what is none. */
const { body } = fc.letrec((tie) => ({
  body: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    secret,
    harmless,
    shuffled({
      kind: fc.constantFrom('List', 'Bundle', 'Table'),
      items: fc.array(tie('body'), { maxLength: 3 }),
      extra: harmless,
    }),
    fc.record({ spec: fc.record({ template: tie('body'), replicas: fc.integer() }) }),
    tie('body').map((value) => ({ json: JSON.stringify(value) })),
    tie('body').map((value) => ({
      message: ` "" is invalid: patch: Invalid value: ${JSON.stringify(JSON.stringify(value))}: no`,
    })),
  ),
}));

const operations = fc.array(
  fc.oneof(
    shuffled({
      op: fc.constant('add'),
      path: name.map((key) => `/data/${key.replaceAll('/', '~1')}`),
      value: secretValue,
    }),
    shuffled({ op: fc.constant('test'), path: fc.constantFrom('/data', '/stringData'), value: data }),
    shuffled({ op: fc.constant('replace'), path: fc.constant(''), value: secret }),
    shuffled({ op: fc.constant('remove'), path: fc.constant('/data/x') }),
  ),
);

const event = fc.oneof(
  fc.record({ resource: fc.constantFrom('bundles', 'pods', 'secrets'), requestObject: body, responseObject: body }),
  fc.record({ resource: fc.constant('secrets'), requestObject: operations, responseObject: secret }),
  fc.record({ resource: fc.constant('tokenreviews'), requestObject: review, responseObject: review }),
  fc.record({ resource: fc.constant('secrets'), requestObject: fc.record({ data }), responseObject: secret }),
);

test('of any event no secret value goes out, every key does, and what else there is stays the same', () => {
  fc.assert(
    fc.property(event, fc.boolean(), fc.nat(), ({ resource, requestObject, responseObject }, isPatch, seed) => {
      // Only a patch is recorded as the client wrote it, in whatever way that is.
      const bodies = isPatch ? { verb: 'patch', requestObject } : { verb: 'update', requestObject, responseObject };
      const before = { ...bodies, objectRef: { resource }, stageTimestamp: STAGE_TIMESTAMP };
      const { value, marks } = redact(isPatch ? write(before, choices(seed)).trim() : before);
      expect(stringsOf(value).filter((text) => /zq[a-z0-9]{6}qz/.test(text))).toEqual([]);
      const { annotations, ...after } = value;
      // On secrets, what is called data goes, whatever it is.
      const mayGo = (text: string) => resource === 'secrets' || text.includes('zq');
      expect(differences(before, after, mayGo)).toEqual([]);
      expect(annotations === undefined).toBe(marks === '');
    }),
    { numRuns: 1000 },
  );
});
