import { expect, test } from 'vitest';
import { type Results, targets, verdict } from '../../bench/targets.ts';

function row(id: string, ...figures: readonly Readonly<Record<string, number>>[]) {
  return { id, name: id, figures };
}

const RESULTS: Results = {
  'catch-up': [
    row(
      'auditail-es',
      { 'CPU-s/GB': 2.5, 'MB/s': 300 },
      { 'CPU-s/GB': 9, 'MB/s': 90 },
      { 'CPU-s/GB': 2.4, 'MB/s': 310 },
    ),
    row('auditail-http', { 'CPU-s/GB': 2.5, 'MB/s': 330, 'peak RSS, MB': 151 }),
    row('rsyslog-es', { 'MB/s': 100 }),
    row('syslog-ng-es', { 'MB/s': 150 }),
  ],
  filter: [row('auditail-es-typical', { 'CPU-s/GB': 2.5 })],
};

test('A target is held against the median of the rounds, and one that was not measured is not said to be reached', () => {
  const lines = targets(RESULTS).split('\n');
  expect(lines.find((line) => line.includes('Elasticsearch, content ids, plain'))).toContain(
    '| 2.50 CPU-s/GB | reached |',
  );
  expect(lines.find((line) => line.includes('HTTP ndjson'))).toContain('| **missed by 25 %** |');
  expect(lines.find((line) => line.includes('Loki, snappy'))).toContain('| – | not measured |');
  expect(lines.find((line) => line.includes('start to the first byte'))).toContain('not measured');
});

test('The fastest peer is the one with the highest median, and the program itself is none', () => {
  const line = targets(RESULTS)
    .split('\n')
    .find((one) => one.includes('fastest peer'));
  expect(line).toContain('| 2.00 × | **missed by 20 %** |');
});

test('Where no peer was measured, nothing is said about one', () => {
  const own = RESULTS['catch-up']?.slice(0, 2) ?? [];
  expect(targets({ 'catch-up': own })).toMatch(/fastest peer \| ≥ 2\.5 × \| – \| not measured/);
});

function memoryLine(results: Results): string | undefined {
  return targets(results)
    .split('\n')
    .find((one) => one.includes('peak RSS at full speed, plain'));
}

test('The memory of the targets is the most of any output, and that of all of them', () => {
  const peak = 'peak RSS, MB';
  const es = row('auditail-es', { [peak]: 120 });
  const loki = row('auditail-loki', { [peak]: 140 });
  const http = row('auditail-http', { [peak]: 151 });
  expect(memoryLine({ 'catch-up': [es, loki, http] })).toContain('| 151 MB | **missed by less than 1 %** |');
  expect(memoryLine({ 'catch-up': [es, loki] })).toContain('not measured');
});

test('A goal is reached by what equals it, from below or from above', () => {
  expect(verdict(4, 4, false)).toBe('reached');
  expect(verdict(4, 4, true)).toBe('reached');
  expect(verdict(4.4, 4, false)).toBe('**missed by 10 %**');
  expect(verdict(3, 4, true)).toBe('**missed by 25 %**');
});
