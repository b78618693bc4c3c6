import { expect, test } from 'vitest';
import { compileExpression } from '../../src/filter/expression.ts';
import { eventOf } from '../event/event-of.ts';

const EVENT = {
  kind: 'Event',
  verb: 'get',
  user: { username: 'jane', groups: ['system:masters', 'dev-1'], extra: { scopes: ['a', 'b'] } },
  sourceIPs: ['10.0.0.1', '192.168.1.7'],
  objectRef: { resource: 'pods', name: null, namespace: 'kube-system' },
  responseStatus: { code: 404 },
  requestObject: { spec: { replicas: 3, paused: true, containers: [{ image: 'nginx' }, {}] }, __proto__x: 1 },
  annotations: { 'authorization.k8s.io/decision': 'forbid', short: 'yes', empty: '', number: 5 },
  stageTimestamp: '2024-01-01T00:00:00.000000Z',
};

function evaluate(text: string, event: object = EVENT): boolean {
  const compiled = compileExpression(text);
  if (!compiled.ok) throw new Error(`${compiled.message} at ${compiled.column}`);
  return compiled.holds(eventOf(event));
}

test.each([
  'verb == "get"',
  'size(verb) == 3 && size(user.username) > 3 && size(objectRef.name) == 0',
  '3 == size(annotations["short"])',
  '"get" == verb',
  'verb != "list"',
  'verb == user.username || true',
  'user.username == user["username"]',
  'verb in ["get", "list"]',
  '!(verb in [])',
  'responseStatus.code >= 400 && responseStatus.code < 500',
  '400 <= responseStatus.code',
  'responseStatus.code == 404 && -1 < responseStatus.code',
  'responseStatus.code in [403, 404]',
  'responseStatus.code > 403.5',
  '"system:masters" in user.groups',
  '!(verb in user.groups)',
  'objectRef.namespace.startsWith("kube-")',
  'objectRef.namespace.endsWith("-system")',
  'objectRef.namespace.contains("be-sy")',
  'objectRef.namespace.matches("^kube-(system|public)$")',
  'annotations["authorization.k8s.io/decision"] == "forbid"',
  'annotations["authorization.k8s.io/decision"] in ["forbid", "deny"]',
  'annotations["authorization.k8s.io/decision"].startsWith("for")',
  'annotations.short == "yes"',
  'verb == "get" ? true : false',
])('closures answer: %s', (text) => {
  expect(evaluate(text)).toBe(true);
});

test.each([
  'user.groups.exists(g, g.startsWith("dev-"))',
  '(user).groups.all(g, g.matches("^(system:|dev-)"))',
  'sourceIPs.exists(ip, ip.startsWith("192.168."))',
  'size(user.groups) == 2 && user.groups.size() == 2',
  'user.extra["scopes"][1] == "b"',
  '"scopes" in user.extra && has(user.extra.scopes)',
  'annotations["short"].upperAscii() == "YES"',
  'annotations.exists(key, annotations[key] == "forbid")',
  'annotations.size() == 3',
  'has(requestObject.spec) && requestObject.spec.replicas == 3',
  'requestObject.spec.replicas + 1 == 4',
  'requestObject.spec.paused',
  '!has(requestObject.spec.nothing)',
  'requestObject.spec.containers.exists(c, has(c.image) && c.image == "nginx")',
  'timestamp(stageTimestamp) < timestamp("2024-01-01T00:00:01Z")',
  'cel.bind(name, user.username, name == "jane" && name.size() == 4)',
  '5 - (3 - 2) == 4 && (1 + 2) * 3 == 9',
  '(verb == "get") == (true == (1 == 1))',
  '(verb == "list" ? "a" : verb) == "get"',
  'user.username == \'j\' + r"ane" && verb == """get"""',
])('cel-js answers what there is no closure for: %s', (text) => {
  expect(evaluate(text)).toBe(true);
});

test.each([
  'impersonatedUser.username == ""',
  'impersonatedUser.groups == []',
  '!("x" in impersonatedUser.groups)',
  'impersonatedUser.extra.size() == 0',
  'user.extra["nothing"].size() == 0',
  'objectRef.name == "" && objectRef.name.size() == 0',
  'objectRef.subresource in [""]',
  'objectRef.subresource.startsWith("")',
  'responseStatus.code == 0 && responseStatus.code + 1 == 1',
  'annotations["nothing"] == "" && annotations["nothing"].size() == 0',
  'annotations["nu" + "mber"] == ""',
  'responseObject == {} && !has(responseObject.kind)',
])('an unset field reads as the zero value of its type: %s', (text) => {
  expect(evaluate(text, { ...EVENT, responseStatus: null })).toBe(true);
});

test('has() tells what is there and not null', () => {
  expect(evaluate('has(user.username) && has(user.groups) && has(annotations.empty)')).toBe(true);
  expect(evaluate('has(objectRef.name) || has(impersonatedUser.username) || has(annotations.nothing)')).toBe(false);
  expect(evaluate('user.groups.exists(g, has(objectRef.name))')).toBe(false);
  expect(evaluate('user.groups.exists(g, has(objectRef.namespace))')).toBe(true);
});

function withCode(code: unknown): object {
  return { ...EVENT, responseStatus: { code } };
}

test('a number that is no int32 reads exactly or as 0', () => {
  expect(evaluate('responseStatus.code == 0', withCode(4.5))).toBe(true);
  expect(evaluate('responseStatus.code + 0 == 0', withCode(1e300))).toBe(true);
  expect(evaluate('responseStatus.code == 0', withCode('404'))).toBe(true);
});

test('what fails on one side of && and || does not count where the other side decides', () => {
  const failing = 'requestObject.nothing.at == 1';
  expect(() => evaluate(failing)).toThrow(/no such key/i);
  expect(evaluate(`${failing} || verb == "get"`)).toBe(true);
  expect(evaluate(`verb == "get" || ${failing}`)).toBe(true);
  expect(evaluate(`${failing} && verb == "list"`)).toBe(false);
  expect(evaluate(`verb == "list" && ${failing}`)).toBe(false);
  expect(evaluate(`!(${failing} || verb == "get")`)).toBe(false);
  expect(() => evaluate(`${failing} && verb == "get"`)).toThrow(/no such key/i);
  expect(() => evaluate(`${failing} || verb == "list"`)).toThrow(/no such key/i);
  expect(() => evaluate(`verb == "get" && ${failing}`)).toThrow(/no such key/i);
});

test('every list may be gone through, however long, and lists that belong to their elements', () => {
  const containers = Array.from({ length: 5000 }, (_, at) => ({ env: [1, 2, 3], name: `c${at}` }));
  const event = { ...EVENT, requestObject: { containers } };
  expect(evaluate('requestObject.containers.all(c, c.name.startsWith("c"))', event)).toBe(true);
  expect(evaluate('requestObject.containers.exists(c, c.env.exists(e, e == 4))', event)).toBe(false);
  expect(evaluate('user.groups.exists(g, sourceIPs.exists(ip, ip == g))', event)).toBe(false);
});

test.each([
  'requestObject.list.exists(a, requestObject.list.exists(b, a + b == -1))',
  'requestObject.list.all(a, requestObject.list.all(b, requestObject.list.all(c, a + b + c != -1)))',
  'requestObject.list.map(a, requestObject.list.filter(b, b == a)).size() == 0',
  'requestObject.list.exists_one(a, requestObject.list.exists_one(b, a == b))',
])('an event cannot stall the agent by a long list: %s', (text) => {
  const list = Array.from({ length: 20_000 }, (_, at) => at);
  const begun = process.cpuUsage();
  expect(() => evaluate(text, { ...EVENT, requestObject: { list } })).toThrow();
  // Without a bound: minutes for the first, and years for the second.
  const { user, system } = process.cpuUsage(begun);
  expect(user + system).toBeLessThan(10e6);
});

test('a value that turns out to be no bool fails on the event', () => {
  expect(() => evaluate('requestObject.spec.replicas')).toThrow('gives a bigint, not a bool');
});

test('keys of a body that JavaScript knows otherwise are keys as any other', () => {
  const requestObject = JSON.parse('{"__proto__":{"admin":true},"constructor":{"name":"x"}}') as object;
  const event = { ...EVENT, requestObject };
  expect(evaluate('has(requestObject.admin)', event)).toBe(false);
  expect(evaluate('requestObject["__proto__"].admin && requestObject.constructor.name == "x"', event)).toBe(true);
});

test('a pattern that would take JavaScript hours takes no time', () => {
  const name = `${'a'.repeat(50_000)}!`;
  const event = { ...EVENT, user: { username: name, groups: [name] } };
  const started = performance.now();
  expect(evaluate('user.username.matches("^(a+)+$")', event)).toBe(false);
  expect(evaluate('user.groups.exists(g, g.matches("^(a|a)*$"))', event)).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});

test.each([
  ['verbb == "delete"', 'no such field: verbb', 0],
  ['verb == "get" && usr.name == ""', 'no such field: usr', 17],
  ['objectRef.resourc == "pods"', 'no such field: objectRef.resourc', 10],
  ['has(objectRef.resourc)', 'no such field: objectRef.resourc', 14],
  ['objectRef["resourc"] == "pods"', 'no such field: objectRef.resourc', 0],
  ['user == "jane"', 'user is no value: name one of its fields', 0],
  ['objectRef[verb] == "x"', 'objectRef is no value: name one of its fields', 0],
  ['has(verb)', 'has() takes a field of an object, such as has(objectRef.name)', 4],
  ['user.groups.exists(verb, verb == "x")', 'verb is a field of the event: call the variable something else', 19],
  ['verb', 'gives a string, not a bool: compare it with something', 0],
  ['verb == 1', 'no such overload: string == int', 0],
  ['verb == "get" && responseStatus.code == "404"', 'no such overload: int == string', 17],
  ['!verb', 'no such overload: !string', 0],
  ['verb in ["get", 1]', /List elements must have the same type|list elements must have the same type/, 16],
  ['verb.upper() == "GET"', /no matching overload/, 0],
  ['verb ==', 'the expression ends where something is missing', 7],
  ['(verb == "get"', /expected rparen/i, 14],
  ['verb == "get', 'unterminated string', 8],
  ['verb = "get"', /unexpected character/i, 5],
  ['verb == "get" &&\n  vorb == "x"', 'no such field: vorb', 19],
  ['verb.matches(user.username)', 'matches() takes a pattern that is written out here', 13],
  ['user.groups.exists(g, g.matches(verb))', 'matches() takes a pattern that is written out here', 32],
  ['verb.matches("(?=a)")', /^not a regular expression \(RE2\): /, 13],
  ['user.groups.exists(g, g.matches("("))', /^not a regular expression \(RE2\): /, 32],
  ['fieldText(3) == "x"', /no matching overload/, 0],
])('refuses %s', (text, message, column) => {
  const compiled = compileExpression(text);
  if (compiled.ok) throw new Error('taken');
  expect(compiled.message).toMatch(message);
  expect(compiled.column).toBe(column);
});
