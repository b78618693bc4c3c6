import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditLog } from '../../src/demo/audit-log.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { prepare, recordedEvents } from '../../src/demo/recorded-event.ts';
import { EventWriter } from '../../src/demo/writer.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const events = recordedEvents();

function writer(seed: number) {
  const log = new AuditLog({ path: join(temporaryDirectory(), 'audit.log') });
  let micros = Date.UTC(2026, 10, 23) * 1000;
  const lines: string[] = [];
  return {
    log,
    lines,
    writer: new EventWriter({
      log,
      events,
      random: seededRandom(seed),
      nowMicros: () => (micros += 1500),
      onLine: (line) => lines.push(line.toString('latin1')),
    }),
  };
}

test('the recorded events are real ones of many kinds, and some are large', () => {
  const parsed = events.map(
    ({ line }) => JSON.parse(line.toString()) as { level: string; verb: string; objectRef?: { resource: string } },
  );
  expect(parsed.length).toBeGreaterThan(500);
  expect(new Set(parsed.map(({ level }) => level))).toEqual(new Set(['Metadata', 'Request', 'RequestResponse']));
  expect(new Set(parsed.map(({ objectRef }) => objectRef?.resource)).size).toBeGreaterThan(30);
  expect(events.filter(({ line }) => line.length > 100_000).length).toBeGreaterThanOrEqual(2);
});

test('every written line is a whole event with an audit id and times of its own, and nothing else is changed', async () => {
  const { log, writer: eventWriter, lines } = writer(1);
  eventWriter.write(events.length + 20);
  await log.close();
  expect(readFileSync(log.path, 'latin1')).toBe(lines.join(''));
  const ids = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const written = JSON.parse(Buffer.from(line, 'latin1').toString()) as Record<string, unknown>;
    const recorded = JSON.parse(events[index % events.length]?.line.toString() ?? '') as Record<string, unknown>;
    expect(written['auditID']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    ids.add(String(written['auditID']));
    const times = { auditID: '', stageTimestamp: '', requestReceivedTimestamp: '' };
    expect({ ...written, ...times }).toEqual({ ...recorded, ...times });
    expect(Date.parse(String(written['stageTimestamp']))).toBeGreaterThanOrEqual(
      Date.parse(String(written['requestReceivedTimestamp'])),
    );
  }
  expect(ids.size).toBe(lines.length);
});

test('the same seed writes the same lines, another seed others', async () => {
  const runs = [writer(7), writer(7), writer(8)];
  for (const run of runs) {
    run.writer.write(50);
    await run.log.close();
  }
  expect(runs[0]?.lines).toEqual(runs[1]?.lines);
  expect(runs[0]?.lines).not.toEqual(runs[2]?.lines);
});

test('times have microseconds, and the time a request took stays as recorded', () => {
  const [slow] = events.filter(({ tookMicros }) => tookMicros > 5000);
  if (slow === undefined) throw new Error('no slow request among the recorded events');
  const log = new AuditLog({ path: join(temporaryDirectory(), 'audit.log') });
  const line = new EventWriter({
    log,
    events: [slow],
    random: seededRandom(1),
    nowMicros: threeSecondsPast,
  }).nextLine();
  expect(line.toString()).toContain('"stageTimestamp":"2026-11-23T01:02:03.000045Z"');
  expect(prepare(line).tookMicros).toBe(slow.tookMicros);
  log.abandon();
});

test('a line that is no event as the API server writes it is refused', () => {
  expect(() => prepare(Buffer.from('{"auditID":"short"}\n'))).toThrow(TypeError);
});

test('the pace is held within a burst, and the signal stops it', async () => {
  const { log, writer: eventWriter, lines } = writer(3);
  await eventWriter.run({ eventsPerSecond: 1000, durationMs: 100 });
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(101);
  const before = lines.length;
  await eventWriter.run({ bytesPerSecond: 1e6, durationMs: 60_000, signal: AbortSignal.abort() });
  expect(lines.length).toBe(before);
  await log.close();
});

function threeSecondsPast(): number {
  return Date.UTC(2026, 10, 23, 1, 2, 3) * 1000 + 45;
}
