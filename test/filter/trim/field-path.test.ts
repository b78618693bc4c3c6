import { expect, test } from 'vitest';
import { parsePath, writePath } from '../../../src/filter/trim/field-path.ts';

test.each([
  ['responseObject', 'responseObject'],
  ['requestObject.spec.containers[].env[].value', 'requestObject.spec.containers[].env[].value'],
  ['annotations["a.b/c"]', 'annotations["a.b/c"]'],
  ['annotations["plain"].*', 'annotations.plain.*'],
  ['user.extra["q\\"\\\\"]', 'user.extra["q\\"\\\\"]'],
])('%s is a path', (text, written) => {
  const parsed = parsePath(text);
  expect(parsed.ok && writePath(parsed.path)).toBe(written);
});

test.each([
  ['', 'must begin with a field of the event, such as responseObject, not ""', 0],
  ['spec.x', 'must begin with a field of the event, such as responseObject, not "spec"', 0],
  ['auditID', 'auditID names the event, and stays', 0],
  ['stageTimestamp', 'stageTimestamp names the event, and stays', 0],
  ['requestObject.', 'expected .name, .*, [] or ["name"] here', 13],
  ['requestObject.a[0]', 'expected .name, .*, [] or ["name"] here', 15],
  ['requestObject["a]', 'expected .name, .*, [] or ["name"] here', 13],
  ['requestObject.a b', 'expected .name, .*, [] or ["name"] here', 15],
])('%s is none, and what is wrong is pointed at', (text, message, column) => {
  expect(parsePath(text)).toEqual({ ok: false, message, column });
});
