import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BenchRecord } from '../../bench/peers/record.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ROUND = { scenario: 'tail', id: 'auditail-es', name: 'auditail', others: 0 };

test('Each measurement is in the file as soon as it was taken, and another run can go on with it', () => {
  const path = join(temporaryDirectory(), 'peers.ndjson');
  const broken = new BenchRecord(path, false);
  broken.note({ ...ROUND, figures: { 'p50, ms': 1 } });
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(1);
  const next = new BenchRecord(path, true);
  next.note({ ...ROUND, figures: { 'p50, ms': 3 } });
  next.note({ ...ROUND, figures: null, error: 'it has ended' });
  const read = new BenchRecord(path, true);
  expect(read.results()).toEqual({
    tail: [{ id: 'auditail-es', name: 'auditail', figures: [{ 'p50, ms': 1 }, { 'p50, ms': 3 }] }],
  });
  expect(read.failures('tail', 'auditail-es')).toBe(1);
});

test('A run that does not go on with the last one begins with nothing', () => {
  const path = join(temporaryDirectory(), 'peers.ndjson');
  appendFileSync(path, 'not what it writes\n');
  expect(new BenchRecord(path, false).results()).toEqual({});
});
