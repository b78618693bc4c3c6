import { join } from 'node:path';
import { rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LOG_FILES, type LogFiles } from '../../src/log/files.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { eventLine, idOf, KeptState, startPipeline, until, WriterOnDisk, type RunOptions } from './pipeline-harness.ts';
import { ScriptedOutput, STORED } from './scripted-output.ts';

const LATE = Date.UTC(2026, 10, 24);

/** A backlog of three files of four events each, 0 to 11, and a live one with two, 12 and 13. */
function setUp() {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput();
  const start = (more: Partial<RunOptions> = {}) =>
    startPipeline({ path: writer.path, output, state, order: 'live-first', ...more });
  const backups = [0, 1, 2].map(() => {
    writer.write(4);
    return writer.rotate();
  });
  writer.write(2);
  return { writer, state, output, start, backups };
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => String(from + at));
}

/** Slower than the log grows. */
const readSlowly: LogFiles['read'] = async (...rest) => {
  await sleep(5);
  return LOG_FILES.read(...rest);
};

describe('live-first', () => {
  it('delivers the live file before a backlog, and that from its oldest on; nothing is missing, and nothing said to be', async () => {
    const { writer, state, output, start } = setUp();
    const { ended, said, pipeline } = await start({ ships: true });
    await ended;
    expect(output.stored.map(idOf)).toEqual([...numbers(12, 14), ...numbers(0, 12)]);
    expect(state.losses).toEqual([]);
    expect(said.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(said.filter(({ message }) => message === 'newer events are read first')).toMatchObject([
      { fields: { file: 'audit.log', waiting: 3 } },
    ]);
    expect(pipeline.status()).toMatchObject({ lagBytes: 0, totals: { readEvents: 14, readBytes: writer.bytes } });
    expect(unaccounted(pipeline.status().totals)).toEqual({ events: 0, bytes: 0 });
    expect(state.ledger).toHaveLength(3);
  });

  it('reads in order where no more than one file waits, as after any rotation', async () => {
    const { output, start, backups } = setUp();
    for (const backup of backups.slice(0, 2)) rmSync(backup);
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf)).toEqual(numbers(8, 14));
  });

  it('takes what comes before the rest of a backlog, over a rotation too', async () => {
    const { writer, output, start } = setUp();
    // What is of the backlog takes its time.
    output.script = async (lines) => {
      if (Number(idOf(lines[0] as string)) < 12) await sleep(20);
      return STORED;
    };
    const running = await start({ batch: { maxEvents: 1, maxInFlight: 1 } });
    await until(() => output.stored.length > 2);
    writer.write(1); // 14, which belongs to the file that was live when the backlog was met
    await running.log.refresh(true);
    writer.rotate();
    writer.write(2); // 15 and 16
    await until(() => output.stored.map(idOf).includes('16'));
    expect(output.stored.map(idOf).filter((id) => Number(id) >= 12)).toEqual(numbers(12, 17));
    expect(output.stored.map(idOf)).not.toContain('11');
    await running.finish();
    expect(new Set(output.stored.map(idOf))).toEqual(new Set(numbers(0, 17)));
  });

  it('says how far it is behind by what waits', async () => {
    const { output, start } = setUp();
    output.script = (lines) => (idOf(lines[0] as string) === '0' ? new Promise(() => undefined) : STORED);
    const running = await start({ batch: { maxEvents: 1, maxInFlight: 1 } });
    await until(() => output.stored.length === 2);
    const { lagBytes, lagSeconds } = running.pipeline.status();
    expect(lagBytes).toBeGreaterThan(0);
    expect(Date.now() - lagSeconds * 1000).toBeLessThanOrEqual(Date.UTC(2026, 10, 23) + 2000);
    void running.kill();
  });

  it('knows after a crash of a backlog that it never came to, should that be gone', async () => {
    const { writer, state, output, start, backups } = setUp();
    output.script = (lines) => (Number(idOf(lines[0] as string)) < 12 ? new Promise(() => undefined) : STORED);
    const killed = await start({ batch: { maxEvents: 2, maxInFlight: 1 } });
    await until(() => state.checkpoint?.segments.some(({ settled }) => settled > 0) === true);
    void killed.kill();
    expect(output.stored.map(idOf)).toEqual(numbers(12, 14));
    for (const backup of backups) rmSync(backup);
    rmSync(join(writer.path, '../.auditail'), { recursive: true });
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    const lost = new Set(state.losses.flatMap(({ name }) => (name === undefined ? [] : [name])));
    for (const backup of backups) expect(lost).toContain(backup.slice(backup.lastIndexOf('/') + 1));
  });

  it('says nothing of a join that an earlier run has judged', async () => {
    const { state, output, start } = setUp();
    output.script = (lines) => (Number(idOf(lines[0] as string)) < 12 ? new Promise(() => undefined) : STORED);
    const killed = await start({ batch: { maxEvents: 2, maxInFlight: 1 } });
    await until(() => state.checkpoint?.segments.some(({ settled }) => settled > 0) === true);
    void killed.kill();
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf)).toEqual([...numbers(12, 14), ...numbers(0, 12)]);
    expect(state.losses).toEqual([]);
  });

  it('goes on with a backlog after a crash, and sends nothing again that was settled', async () => {
    const { state, output, start } = setUp();
    const killed = await start({ batch: { maxEvents: 2, maxInFlight: 1 } });
    await until(() => (state.checkpoint?.totals.delivered ?? 0) >= 6);
    await killed.kill();
    const before = state.checkpoint?.totals.delivered ?? 0;
    const already = output.stored.length;
    await (await start({ ships: true })).ended;
    expect(output.stored.length - already).toBe(14 - before);
    expect(new Set(output.stored.map(idOf))).toEqual(new Set(numbers(0, 14)));
    expect(state.losses).toEqual([]);
  });

  it('reads a line of many reads to its end although something newer comes with each', async () => {
    const { writer, output, start } = setUp();
    writer.raw(eventLine('long', LATE, 5 * 2 ** 20));
    writer.rotate();
    writer.write(1);
    writer.rotate();
    writer.write(1);
    const running = await start({ files: { ...LOG_FILES, read: readSlowly }, maxLineBytes: 8 * 2 ** 20 });
    const busy = setInterval(() => writer.write(1), 1);
    await until(() => output.stored.some((line) => idOf(line) === 'long'));
    clearInterval(busy);
    await running.finish();
    expect(output.stored.map(idOf).filter((id) => id === 'long')).toHaveLength(1);
  });

  it('does not run to and fro for a live file whose last line has no end', async () => {
    const { writer, output, start } = setUp();
    writer.write(16_000, 1000);
    writer.rotate();
    writer.write(2);
    writer.raw(eventLine('torn', LATE).slice(0, -20));
    let reads = 0;
    const read: LogFiles['read'] = (...rest) => {
      reads += 1;
      return LOG_FILES.read(...rest);
    };
    const running = await start({ files: { ...LOG_FILES, read } });
    await until(() => output.stored.length === writer.lines.length);
    expect(writer.bytes / 2 ** 20).toBeGreaterThan(16);
    // A megabyte each, twice that at most for what is looked at besides.
    expect(reads).toBeLessThan(2 * (writer.bytes / 2 ** 20) + 12);
    await running.finish();
  });

  it('stays with a backlog for maxDelay, lest each of its reads become a request', async () => {
    const { writer, output, start } = setUp();
    writer.write(30_000, 1000);
    writer.rotate();
    writer.write(1);
    const count = writer.lines.length;
    output.script = async () => {
      await sleep(10);
      return STORED;
    };
    const running = await start({
      batch: { maxBytes: 8 * 2 ** 20, maxEvents: 100_000, maxDelay: 1000, maxInFlight: 1 },
    });
    const busy = setInterval(() => writer.write(1), 2);
    await until(() => new Set(output.stored.map(idOf)).size >= count);
    clearInterval(busy);
    // Some forty reads.
    expect(output.requests.length).toBeLessThan(15);
    await running.finish();
  });

  it('reads a compressed file that it has begun to its end: its middle can only be had by way of its beginning', async () => {
    const { writer, output, start, backups } = setUp();
    const [oldest = ''] = backups;
    const lines = Array.from({ length: 4000 }, (_, at) => eventLine(`z${at}`, Date.UTC(2026, 10, 23) + at, 1000));
    writeFileSync(`${oldest}.gz`, gzipSync(lines.join('')));
    rmSync(oldest);
    const running = await start({ files: { ...LOG_FILES, read: readSlowly }, batch: { maxEvents: 500 } });
    const busy = setInterval(() => writer.write(1), 1);
    await until(() => output.stored.some((line) => idOf(line) === 'z3999'));
    clearInterval(busy);
    const packed = output.stored.map(idOf).flatMap((id, at) => (id.startsWith('z') ? [at] : []));
    expect(packed).toHaveLength(4000);
    expect((packed.at(-1) ?? 0) - (packed[0] ?? 0)).toBe(3999);
    await running.finish();
  });

  it('says before anything newer that a file is lost which was let go before it was put off', async () => {
    const { writer, state, output, start, backups } = setUp();
    const other = await start({
      output: new ScriptedOutput(() => new Promise(() => undefined)),
      state: new KeptState(),
    });
    const isPinned = () => other.log.segments.filter(({ places }) => places.pin !== null).length >= 3;
    await until(isPinned);
    void other.kill();
    for (const backup of backups) rmSync(backup);
    // It hangs before it has read all of the live file.
    output.script = (lines) => (idOf(lines[0] as string) === '12' ? STORED : new Promise(() => undefined));
    // Room for two of the three.
    const killed = await start({ retainBytes: 1300, batch: { maxEvents: 2, maxInFlight: 1 } });
    await until(
      () => state.checkpoint?.segments.some(({ name, settled }) => name === 'audit.log' && settled > 0) === true,
    );
    void killed.kill();
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    const stored = new Set(output.stored.map(idOf));
    const missing = writer.lines.map(idOf).filter((id) => !stored.has(id));
    expect(missing).toEqual(numbers(0, 4));
    expect(state.losses).toMatchObject([{ reason: 'retention', proof: 'certain', from: 0 }]);
  });
});
