import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BODY_SHAPE, fits } from '../../../src/output/elasticsearch/body-shape.ts';
import { ecsEventBytes } from '../../../src/output/elasticsearch/ecs.ts';
import { auditLine, batchOf } from '../support/batch.ts';
import { ecs } from './ecs-support.ts';

const key = fc.oneof(fc.constantFrom('a.b', 'a_b', 'spec', 'type', 'containers', 'x.y/z_1'), fc.string());
const annotations = fc.dictionary(key, fc.string(), { maxKeys: 5 });
const { body } = fc.letrec((tie) => ({
  body: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 1, 'x'),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('spec', 'type', 'containers', 'image', 'rules', 'verbs', 'a.b'), tie('body')),
  ),
}));

it('gives back the very event, whatever its annotations, bodies and bytes are', () => {
  const encoder = ecs({ cluster: 'prod "eu" é', node: 'cp-1' });
  const noise = fc.option(fc.uint8Array({ minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(annotations, body, body, noise, fc.nat(2), (notes, requestObject, responseObject, bytes, indent) => {
      const text = auditLine({ x: '@@', requestObject, annotations: notes, responseObject });
      const spaced = Buffer.from(JSON.stringify(JSON.parse(text), null, indent).replaceAll('\n', ' '));
      const at = spaced.indexOf('@@');
      const plain = Buffer.from(bytes ?? []).map((byte) => byte | 0x80);
      const line = Buffer.concat([spaced.subarray(0, at), plain, spaced.subarray(at + 2)]);
      const batch = batchOf(encoder, [line]);
      expect(ecsEventBytes(batch, 0).equals(line)).toBe(true);
      const [, document = ''] = batch.bytes.toString().split('\n');
      expect(Buffer.from(document).equals(batch.bytes.subarray(batch.bytes.indexOf(0x0a) + 1, -1))).toBe(true);
      expect(() => JSON.parse(document) as unknown).not.toThrow();
    }),
  );
});

it('lets a body through only where every mapped field has its type', () => {
  fc.assert(
    fc.property(body, (value) => {
      const bytes = Buffer.from(JSON.stringify(value));
      expect(fits(bytes, 0, BODY_SHAPE)).toBe(conforms(value, BODY_SHAPE));
    }),
    { numRuns: 500 },
  );
});

function conforms(value: unknown, shape: unknown): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.every((part) => conforms(part, shape));
  if (shape === 'any') return typeof value === 'object';
  if (shape === 'boolean') return typeof value === 'boolean';
  if (typeof shape === 'string') return typeof value !== 'object';
  if (typeof value !== 'object') return false;
  const parts = shape as Readonly<Record<string, unknown>>;
  return Object.entries(value).every(
    ([name, part]) => !name.includes('.') && (parts[name] === undefined || conforms(part, parts[name])),
  );
}
