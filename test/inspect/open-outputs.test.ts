import { expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { openOutputs } from '../../src/inspect/open-output.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { join } from 'node:path';

const SOURCES = [{ name: 'one' }, { name: 'two' }];

it.each(['elasticsearch', 'loki', 'http', 'file'])('opens %s once, or once for each source that is named', (type) => {
  const path = join(temporaryDirectory(), 'out');
  const more =
    type === 'file' ? { path } : { url: 'http://127.0.0.1:9', ...(type === 'elasticsearch' ? { index: 'a' } : {}) };
  const [output] = configSchema.parse({
    sources: [{ name: 's', type: 'stdin' }],
    outputs: [{ name: 'o', type, ...more }],
  }).outputs;
  if (output === undefined) throw new Error('there is no output');
  const options = { userAgent: 'test' };
  const plain = openOutputs(output, { metadata: {} }, SOURCES, options);
  expect(plain.all).toHaveLength(1);
  expect(plain.of('one')).toBe(plain.of('two'));
  const named = openOutputs(output, { metadata: {}, namesSources: true }, SOURCES, options);
  expect(named.all).toHaveLength(type === 'file' ? 1 : 2);
  expect(named.of('one').encode).not.toBe(named.of('two').encode);
  // In Loki a label is a part of where an event goes.
  expect(named.of('one').destination === named.of('two').destination).toBe(type !== 'loki');
  expect(() => named.of('three')).toThrow('three');
});
