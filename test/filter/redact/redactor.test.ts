import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { config, redact } from './redacting.ts';
import { createRedactor } from '../../../src/filter/redact/redactor.ts';

const TIME = { stageTimestamp: '2026-11-23T05:07:15.125160Z' };
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const ALLOWED = { 'authorization.k8s.io/decision': 'allow' };
const WEB_TOKEN = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl';

function onSecrets(members: object): object {
  return { verb: 'patch', objectRef: { resource: 'secrets', name: 's1' }, ...members, ...TIME, annotations: ALLOWED };
}

function onBundles(members: object): object {
  return { verb: 'patch', objectRef: { resource: 'bundles', name: 'b1' }, ...members, ...TIME, annotations: ALLOWED };
}

/** The values that differ between a Secret before and after it was redacted. */
type Written = (value: string) => string;

const written: Written = (a) => JSON.stringify({ kind: 'Secret', data: { a }, n: 1e21 });
const writtenTwice: Written = (a) => JSON.stringify({ applied: written(a), other: 'x' });
const failure: Written = (value) => ` "" is invalid: patch: Invalid value: ${value}: json: cannot unmarshal`;
const webhookPatch: Written = (value) =>
  JSON.stringify({ webhook: 'w', patch: [{ op: 'add', path: '/data/a', value }], patchType: 'JSONPatch' });

function failed(value: string): { readonly responseStatus: object } {
  return { responseStatus: { message: failure(value), code: 422 } };
}

function listOf(data: object): object {
  return {
    kind: 'List',
    items: [
      { kind: 'ConfigMap', data: { a: 'conf' } },
      { kind: 'Secret', data },
    ],
  };
}

function packed(value: object): string {
  return gzipSync(JSON.stringify(value)).toString('base64');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

function hashOf(...paths: string[]): string {
  return createRedactor(config(true, paths)).hash;
}

/** The body that goes out for one that comes in. */
function body(event: object): unknown {
  return redact(event).value['requestObject'];
}

test('the values of a Secret go, its keys and all else stay', () => {
  const secret = {
    kind: 'Secret',
    metadata: { name: 's1', labels: { app: 'web' } },
    data: { a: 'eA==' },
    stringData: { b: 'x' },
    type: 'Opaque',
  };
  const { value, marks } = redact(onSecrets({ requestObject: secret, responseStatus: { code: 201 } }));
  expect(value).toEqual({
    ...onSecrets({}),
    responseStatus: { code: 201 },
    requestObject: { ...secret, data: { a: '[redacted]' }, stringData: { b: '[redacted]' } },
    annotations: { 'auditail.io/redacted': 'secret-data=2', ...ALLOWED },
  });
  expect(marks).toBe('secret-data=2');
});

test('an event without secrets stays as it is, to the byte', () => {
  const text = `{ "verb" : "get", "requestObject": {"kind":"ConfigMap","data":{"n":1e400,"d":1,"d":2}},"stageTimestamp":"${TIME.stageTimestamp}"}`;
  expect(redact(text).text).toBe(text);
});

test('where a kind that makes a Secret of an object stands, or how it is written, changes nothing', () => {
  for (const text of [
    '{"data":{"a":"hidden"},"kind":"Secret"}',
    '{"kind":"ConfigMap","data":{"a":"hidden"},"kind":"Secret"}',
    '{"kind":"Secret","data":{"a":"hidden"},"kind":"ConfigMap"}',
    '{"kind":"Secret","data":{"a":"hidden"},"data":{"a":"hidden"}}',
    '{ "kind" : "\\u0053ecret" , "d\\u0061ta" : { "a" : "hidden" } }',
    '{"kind":"Secret","DATA":{"a":"hidden"}}',
    '{"kind":"Secret","data":{"a":{"b":["hidden"]}}}',
    '{"kind":"Secret","data":["hidden"]}',
    '{"kind":"Secret","data":"hidden"}',
    '{"kind":"SecretList","items":[{"metadata":{"name":"x"},"data":{"a":"hidden"}}]}',
    '{"items":[{"data":{"a":"hidden"}}],"kind":"SecretList"}',
    '[[{"kind":"List","items":[{"data":{"a":"hidden"},"kind":"Secret"}]}]]',
  ]) {
    const { text: out } = redact(`{"verb":"patch","requestObject":${text},"stageTimestamp":"${TIME.stageTimestamp}"}`);
    expect(out).not.toContain('hidden');
    expect(out).toContain('[redacted]');
  }
});

test('a letter that is written as an escape hides nothing in JSON within a string either', () => {
  const hidden = '{"\\u006bind":"\\u0053ecret","d\\u0061ta":{"a":"hidden"}}';
  const out = redact({ verb: 'create', requestObject: { json: hidden }, ...TIME }).text;
  expect(out).not.toContain('hidden');
});

const SECRET = { kind: 'Secret', metadata: { name: 's1' }, data: { a: 'aGlkZGVu' }, stringData: { b: 'aGlkZGVu' } };
const APPLIED = { ...SECRET, apiVersion: 'v1', metadata: { name: 's1', managedFields: [{ manager: 'kubectl' }] } };
const SERVER_SIDE = { requestURI: '/api/v1/namespaces/n/secrets/s1?fieldManager=kubectl&force=true' };

test.each<readonly [string, object]>([
  ['a List', onBundles({ responseObject: { kind: 'List', items: [{ kind: 'Pod' }, SECRET] } })],
  ['a SecretList', onSecrets({ verb: 'list', responseObject: { kind: 'SecretList', items: [SECRET] } })],
  [
    'the objects of a Table, over no resource of its own',
    onBundles({ responseObject: { kind: 'Table', rows: [{ cells: ['s1', 'Opaque'], object: SECRET }] } }),
  ],
  ['a Table of secrets', onSecrets({ responseObject: { kind: 'Table', rows: [{ cells: ['s1'], object: SECRET }] } })],
  ['a merge patch', onSecrets({ requestObject: { data: SECRET.data, stringData: SECRET.stringData } })],
  ['a strategic merge patch', onSecrets({ requestObject: { $setElementOrder: ['a'], data: SECRET.data } })],
  ['a JSON patch', onSecrets({ requestObject: [{ op: 'replace', path: '/data/a', value: 'aGlkZGVu' }] })],
  ['a JSON patch of all data', onSecrets({ requestObject: [{ op: 'add', path: '/data', value: SECRET.data }] })],
  ['server-side apply', onSecrets({ ...SERVER_SIDE, requestObject: APPLIED })],
  ['server-side apply of part of it', onSecrets({ ...SERVER_SIDE, requestObject: { stringData: SECRET.stringData } })],
  ['a custom resource', onBundles({ requestObject: { kind: 'Bundle', spec: { templates: [{ object: SECRET }] } } })],
  ['JSON in a custom resource', onBundles({ requestObject: { spec: { manifest: JSON.stringify(SECRET) } } })],
  [
    'YAML in a custom resource',
    onBundles({ requestObject: { spec: { manifest: 'kind: Secret\ndata:\n  a: aGlkZGVu\n' } } }),
  ],
  ['the data of a release of Helm', onSecrets({ requestObject: { data: { release: 'aGlkZGVu' } } })],
])('a value of a Secret goes where it stands in %s', (_, event) => {
  const { text, marks } = redact(event);
  expect(text).not.toContain('aGlkZGVu');
  expect(marks).toMatch(/^secret-data=\d/);
});

test('what is not a Secret keeps its data beside one that is', () => {
  expect(body(onBundles({ requestObject: listOf({ a: 'eA==' }) }))).toEqual(listOf({ a: '[redacted]' }));
});

test('numbers and objects go as well, and what deletes a key stays', () => {
  const patch = { data: { number: 7, object: { x: 1 }, bool: true, gone: null } };
  expect(body(onSecrets({ requestObject: patch }))).toEqual({
    data: { number: '[redacted]', object: '[redacted]', bool: '[redacted]', gone: null },
  });
});

test('a JSON patch of a Secret keeps its operations and loses what they write', () => {
  const operations = [
    { op: 'replace', value: 'eA==', path: '/data/a' },
    { op: 'add', path: '/stringData', value: { a: 'x', b: 'y' } },
    { op: 'add', path: '/metadata/labels/app', value: 'web' },
    { op: 'add', path: `/metadata/annotations/${LAST_APPLIED.replace('/', '~1')}`, value: '{}x' },
    { op: 'remove', path: '/data/b' },
    { op: 'replace', path: '', value: { data: { a: 'x' } } },
  ];
  const { value, marks } = redact(onSecrets({ requestObject: operations }));
  expect(value['requestObject']).toEqual([
    { op: 'replace', value: '[redacted]', path: '/data/a' },
    { op: 'add', path: '/stringData', value: { a: '[redacted]', b: '[redacted]' } },
    operations[2],
    { ...operations[3], value: '[redacted]' },
    operations[4],
    { op: 'replace', path: '', value: { data: { a: '[redacted]' } } },
  ]);
  expect(marks).toBe('last-applied=1,secret-data=4');
});

test('a patch that does not say what it changes is taken by what the answer shows', () => {
  const answer = { kind: 'Bundle', spec: { template: { kind: 'Secret', data: { a: 'eA==' } } } };
  const event = onBundles({ requestObject: { spec: { template: { data: { a: 'eA==' } } } }, responseObject: answer });
  expect(body(event)).toEqual({ spec: { template: { data: { a: '[redacted]' } } } });
  expect(body(onBundles({ requestObject: { data: { a: 'x' } }, responseObject: { kind: 'Bundle' } }))).toEqual({
    data: { a: 'x' },
  });
});

test('the copy of a Secret in its annotations goes; the one of something else stays', () => {
  const copy = (kind: string) => ({ kind, metadata: { annotations: { [LAST_APPLIED]: '{"kind":"x"}', 'a/b': 'c' } } });
  expect(body(onBundles({ requestObject: copy('Secret') }))).toEqual({
    kind: 'Secret',
    metadata: { annotations: { [LAST_APPLIED]: '[redacted]', 'a/b': 'c' } },
  });
  expect(body(onBundles({ requestObject: copy('Deployment') }))).toEqual(copy('Deployment'));
});

test('tokens of TokenRequest and TokenReview go, and of nothing else', () => {
  const review = { kind: 'TokenReview', spec: { token: 'abc', audiences: ['a'] }, status: { user: { username: 'u' } } };
  expect(body(onBundles({ requestObject: review, objectRef: { resource: 'tokenreviews' } }))).toEqual({
    ...review,
    spec: { token: '[redacted]', audiences: ['a'] },
  });
  const request = { status: { token: 'abc', expirationTimestamp: 'x' } };
  const objectRef = { resource: 'serviceaccounts', subresource: 'token' };
  expect(body(onBundles({ requestObject: request, objectRef }))).toEqual({
    status: { ...request.status, token: '[redacted]' },
  });
  expect(body(onBundles({ requestObject: { token: 'abc' } }))).toEqual({ token: 'abc' });
});

test('JSON in strings is redacted in place, at any level', () => {
  const { value, marks } = redact(
    onBundles({ requestObject: { one: written('eA=='), two: writtenTwice('eA=='), conf: '{"data":{"a":"b"}}' } }),
  );
  expect(value['requestObject']).toEqual({
    one: written('[redacted]'),
    two: writtenTwice('[redacted]'),
    conf: '{"data":{"a":"b"}}',
  });
  expect(marks).toBe('secret-data=2');
});

test('a manifest in YAML goes as a whole, as does JSON that is cut off', () => {
  const yaml = 'apiVersion: v1\nkind: Secret\nstringData:\n  a: x\n';
  const cut = '{"kind":"Secret","data":{"a":"eA==';
  const conf = 'kind: ConfigMap\ndata:\n  a: x\n';
  expect(body(onBundles({ requestObject: { yaml, cut, conf } }))).toEqual({
    yaml: '[redacted]',
    cut: '[redacted]',
    conf,
  });
  expect(body(onSecrets({ requestObject: yaml }))).toBe('[redacted]');
});

test('a failure that quotes a Secret keeps its words', () => {
  const quoted = JSON.stringify({ kind: 'Secret', data: { a: 'hidden' } });
  expect(redact(onSecrets(failed(JSON.stringify(quoted)))).value['responseStatus']).toEqual(
    failed('"[redacted]"').responseStatus,
  );
  const inBundle = JSON.stringify({ kind: 'Secret', data: { a: '[redacted]' } });
  expect(redact(onBundles(failed(JSON.stringify(quoted)))).value['responseStatus']).toEqual(
    failed(JSON.stringify(inBundle)).responseStatus,
  );
  const struct = redact(onSecrets(failed('v1.Secret{Data:map[string][]uint8{"a":"hidden"}}'))).text;
  expect(struct).not.toContain('hidden');
  const excerpt = 'error found in #10 byte of ...|a":"hidden"},"ki|..., bigger context ...|{"data":{"a":"hidden"}}|...';
  expect(redact(onSecrets({ responseStatus: { message: excerpt } })).text).not.toContain('hidden');
});

test('a failure that names a Secret and who asked for it stays as it is', () => {
  const message =
    'secrets "bootstrap-token" is forbidden: User "system:node:node-1" cannot get resource "secrets" in API group ""';
  const event = onSecrets({ responseStatus: { message, reason: 'Forbidden', code: 403 } });
  expect(redact(event).value).toEqual(event);
});

test('what a webhook changed in a Secret, which stands in an annotation, goes', () => {
  const key = 'patch.webhook.admission.k8s.io/round_0_index_0';
  const { value } = redact({ ...onSecrets({ requestObject: {} }), annotations: { [key]: webhookPatch('eA==') } });
  expect(value['annotations']).toEqual({ 'auditail.io/redacted': 'secret-data=1', [key]: webhookPatch('[redacted]') });
});

test('a release that Helm keeps in a ConfigMap goes', () => {
  const release = packed({ name: 'r', manifest: 'kind: Secret', config: { password: 'x' } });
  expect(body(onBundles({ requestObject: { kind: 'ConfigMap', data: { release } } }))).toEqual({
    kind: 'ConfigMap',
    data: { release: '[redacted]' },
  });
  const applied = {
    secret: packed({ kind: 'Secret', data: { a: 'x' } }),
    pod: packed({ kind: 'Pod' }),
    broken: 'H4sIbroken',
  };
  expect(body(onBundles({ requestObject: applied }))).toEqual({
    secret: '[redacted]',
    pod: applied.pod,
    broken: '[redacted]',
  });
});

test('base64 of a Secret goes, and other base64 stays', () => {
  const secret = encoded({ apiVersion: 'v1', kind: 'Secret', data: { a: 'eA==' } });
  const pod = encoded({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0' } });
  expect(body(onBundles({ requestObject: { secret, pod } }))).toEqual({ secret: '[redacted]', pod });
});

test('web tokens, bearer tokens and passwords in URIs go wherever they stand', () => {
  const event = {
    userAgent: `curl ${WEB_TOKEN}`,
    requestObject: { args: ['Authorization: Bearer abc123', 'postgres://me:pa55@db/x'], env: [{ value: WEB_TOKEN }] },
    ...TIME,
  };
  const { value, marks } = redact(event);
  expect(value).toEqual({
    userAgent: 'curl [redacted]',
    requestObject: {
      args: ['Authorization: Bearer [redacted]', 'postgres://me:[redacted]@db/x'],
      env: [{ value: '[redacted]' }],
    },
    ...TIME,
    annotations: { 'auditail.io/redacted': 'bearer=1,token=2,uri=1' },
  });
  expect(marks).toBe('bearer=1,token=2,uri=1');
});

test('what looks like a credential and is none stays', () => {
  const requestObject = {
    image: 'registry.example.com/sidecar/envoy:v424b1@sha256:6e4de988',
    mail: 'jane@example.com',
    text: 'Bearer authentication, bearer token or basic auth',
    command: 'cat /run/secrets/kubernetes.io/serviceaccount/token',
    secretName: 'Secret',
  };
  const event = { requestObject, ...TIME };
  expect(redact(event).value).toEqual(event);
});

describe('the annotation', () => {
  const secret = '"requestObject":{"kind":"Secret","data":{"a":"x"}},"stageTimestamp":"2026-11-23T05:07:15Z"';
  const ours = '"auditail.io/redacted":"secret-data=1"';

  test.each([
    ['is added where there are none', `{${secret}}`, `,"annotations":{${ours}}}`],
    ['goes before others', `{${secret},"annotations":{"a":"b"}}`, `,"annotations":{${ours},"a":"b"}}`],
    ['stands alone among none', `{${secret},"annotations":{ }}`, `,"annotations":{${ours} }}`],
    ['takes the place of null', `{${secret},"annotations":null}`, `,"annotations":{${ours}}}`],
    ['leaves alone what is no object', `{${secret},"annotations":[1]}`, `,"annotations":[1]}`],
    [
      'goes on with what an agent before it said',
      `{${secret},"annotations":{"x":"y","auditail.io/redacted":"uri=2"}}`,
      `,"annotations":{"x":"y","auditail.io/redacted":"uri=2,secret-data=1"}}`,
    ],
    [
      'does not go on with anything else',
      `{${secret},"annotations":{"auditail.io/redacted":"none\\""}}`,
      `,"annotations":{${ours}}}`,
    ],
  ])('%s', (_, before, after) => {
    expect(redact(before).text).toBe(`{${secret.replace('"x"', '"[redacted]"')}${after}`);
  });

  test('is set in the one that counts where they stand twice', () => {
    const { marks, text } = redact(`{"annotations":{"a":"b"},${secret},"annotations":{"c":"d"}}`);
    expect(marks).toBe('secret-data=1');
    expect(text).toContain('"annotations":{"a":"b"}');
  });
});

test('configured paths lose their values, of whatever type', () => {
  const requestObject = {
    spec: {
      containers: [
        {
          env: [
            { name: 'A', value: 'x' },
            { name: 'B', value: 7 },
          ],
        },
      ],
      'a.b': { c: 1 },
    },
  };
  const paths = ['requestObject.spec.containers[].env[].value', 'requestObject.spec["a.b"]'];
  const { value, marks } = redact(onBundles({ requestObject }), { paths });
  expect(value['requestObject']).toEqual({
    spec: {
      containers: [
        {
          env: [
            { name: 'A', value: '[redacted]' },
            { name: 'B', value: '[redacted]' },
          ],
        },
      ],
      'a.b': '[redacted]',
    },
  });
  expect(marks).toBe('path=3');
});

test('it can be turned off', () => {
  const event = onSecrets({ requestObject: { data: { a: 'x' } } });
  expect(redact(event, { enabled: false }).value).toEqual(event);
  expect(createRedactor(config(false, [])).hash).toBe('none');
});

test('the hash changes with the paths, not with their order or how they are written', () => {
  expect(hashOf('requestObject.a', 'userAgent')).toBe(hashOf('userAgent', 'requestObject["a"]'));
  expect(hashOf('requestObject.a')).not.toBe(hashOf('requestObject.b'));
  expect(hashOf()).not.toBe('none');
});

test('a body nested deeper than any stack is redacted', () => {
  const depth = 100_000;
  const nested = `${'{"data":'.repeat(depth)}"hidden"${'}'.repeat(depth)}`;
  const line = `{"objectRef":{"resource":"secrets"},"requestObject":${nested},"stageTimestamp":"${TIME.stageTimestamp}"}`;
  const { text } = redact(line);
  expect(text).not.toContain('hidden');
  expect(text).toContain('"requestObject":{"data":{"data":"[redacted]"}}');
});

test.each<readonly [string, (count: number) => string]>([
  ['operations in operations', (n) => `${'{"op":"add","path":"/data","value":{"v":'.repeat(n)}1${'}}'.repeat(n)}`],
  ['starts of tokens', (n) => `"${'eyJ'.repeat(n)}"`],
  ['brackets', (n) => `"\\n${'[{'.repeat(n)}"`],
  ['quotes and brackets', (n) => `"${'{\\"'.repeat(n)}"`],
  ['blanks', (n) => `"\\n{${' '.repeat(n)}Bearer${' '.repeat(n)}"`],
  ['hosts', (n) => `"${'://a:b'.repeat(n)}${'@'.repeat(n)}"`],
  ['kinds', (n) => `"${'kind\\"'.repeat(n)}"`],
  ['quoted values', (n) => `"\\n${'Invalid value: \\"'.repeat(n)}"`],
  ['excerpts', (n) => `"\\n${'...|`'.repeat(n)}"`],
])('a long text of %s takes no longer than its length', (_, text) => {
  // What is quadratic takes minutes for this, and the test has seconds.
  const line = `{"objectRef":{"resource":"secrets"},"requestObject":{"message":${text(200_000)}},"stageTimestamp":"2026-11-23T05:07:15Z"}`;
  expect(redact(line).text).toContain('"message":');
});
