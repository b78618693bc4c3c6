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
  expect(plain.pairs.map(([source, own]) => [source, own === plain.all[0]])).toEqual(SOURCES.map((one) => [one, true]));
  const named = openOutputs(output, { metadata: {}, namesSources: true }, SOURCES, options);
  expect(named.all).toHaveLength(type === 'file' ? 1 : 2);
  const [one, two] = named.pairs.map(([, own]) => own);
  expect(one?.encode).not.toBe(two?.encode);
  // In Loki a label is a part of where an event goes.
  expect(one?.destination === two?.destination).toBe(type !== 'loki');
  const some = openOutputs({ ...output, sources: ['two'] }, { metadata: {} }, SOURCES, options);
  expect(some.pairs.map(([{ name }]) => name)).toEqual(['two']);
});
