import { join } from 'node:path';
import { rmSync, truncateSync, appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unaccounted } from '../../src/state/counts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import {
  eventLine,
  idOf,
  KeptState,
  PASS_ALL,
  startPipeline,
  until,
  WriterOnDisk,
  type RunOptions,
} from './pipeline-harness.ts';
import { refuse, ScriptedOutput, STORED } from './scripted-output.ts';

function setUp() {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput();
  const start = (more: Partial<RunOptions> = {}) => startPipeline({ path: writer.path, output, state, ...more });
  return { writer, state, output, start };
}

const firstRun: RunOptions['firstRun'] = async (segments) =>
  segments.map((segment) => ({ segment, from: segment.size }));

describe('a pipeline', () => {
  it('delivers what is there and ends, with an account that comes out even', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(10);
    writer.rotate();
    writer.write(5);
    const { ended, pipeline } = await start({ ships: true });
    await ended;
    expect(output.stored).toEqual(writer.lines);
    const { totals, lagBytes } = pipeline.status();
    expect(totals).toMatchObject({
      readEvents: 15,
      delivered: 15,
      readBytes: writer.bytes,
      deliveredBytes: writer.bytes,
    });
    expect(lagBytes).toBe(0);
    expect(state.ledger).toMatchObject([{ counts: { delivered: 10 } }]);
    expect(state.losses).toEqual([]);
    expect(state.checkpoint?.window).toEqual([]);
  });

  it('delivers events as they come, after maxDelay', async () => {
    const { writer, output, start } = setUp();
    const running = await start();
    for (let round = 1; round <= 3; round += 1) {
      writer.write(2);
      await until(() => output.stored.length === 2 * round);
    }
    await running.finish();
    expect(output.stored).toEqual(writer.lines);
  });

  it('goes on where it stood when it starts again', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(4);
    await (await start({ ships: true })).ended;
    writer.write(3);
    writer.rotate();
    writer.write(2);
    await (await start({ ships: true })).ended;
    expect(output.stored).toEqual(writer.lines);
    expect(state.ledger).toMatchObject([{ counts: { delivered: 7, readEvents: 7 } }]);
  });

  it('leaves nothing out that was in flight where the bytes before it have changed and it is stopped again at once', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(12);
    const batch = { maxEvents: 3 };
    output.script = (lines) => (idOf(lines[0] as string) === '6' ? new Promise(() => undefined) : STORED);
    const killed = await start({ batch });
    await until(() => output.stored.length === 9 && state.checkpoint?.window[1]?.settled === true);
    void killed.kill();
    expect(state.checkpoint?.window).toMatchObject([{ settled: false }, { settled: true }]);
    const inFlight = state.checkpoint?.window[0]?.from;
    const text = readFileSync(writer.path, 'utf8');
    writeFileSync(writer.path, text.replace('"auditID":"5"', '"auditID":"x"'));

    output.script = () => STORED;
    const drain = new AbortController();
    const warn = (message: string) => {
      if (message.startsWith('the file is not as it was read')) drain.abort();
    };
    const notes = { info: () => undefined, warn, error: () => undefined, sent: () => undefined };
    const stopped = await start({ batch, notes, draining: drain });
    await stopped.ended;
    expect(drain.signal.aborted).toBe(true);
    expect(state.checkpoint?.segments[0]?.settled).toBeLessThanOrEqual(inFlight ?? 0);

    await (await start({ batch, ships: true })).ended;
    expect(new Set(output.stored.map(idOf))).toEqual(new Set(['x', ...writer.lines.map(idOf)]));
  });

  it('loses what was in flight of a file that is gone, with what is settled behind it', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(6);
    const batch = { maxEvents: 3 };
    output.script = (lines) => (idOf(lines[0] as string) === '0' ? new Promise(() => undefined) : STORED);
    const killed = await start({ batch });
    await until(() => output.stored.length === 3 && state.checkpoint?.window[1]?.settled === true);
    void killed.kill();
    rmSync(join(writer.path, '../.auditail'), { recursive: true });
    rmSync(writer.path);
    writer.raw(eventLine('new'));

    output.script = () => STORED;
    await (await start({ batch, ships: true })).ended;
    expect(output.stored.map(idOf)).toEqual(['3', '4', '5', 'new']);
    expect(state.losses[0]).toMatchObject({ reason: 'deleted', from: 0 });
    expect(state.checkpoint?.window).toEqual([]);
  });

  it('sends ranges in flight again in the same cut after it was killed', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(7);
    output.script = () => new Promise(() => undefined);
    const running = await start({ batch: { maxEvents: 3 } });
    await until(() => output.sent.length === 2);
    output.script = () => STORED;
    void running.kill();
    const before = output.sent.splice(0);
    // Other limits would cut it otherwise.
    await (await start({ ships: true, batch: { maxEvents: 50 } })).ended;
    expect(output.sent.slice(0, 2)).toEqual(before);
    expect(output.stored).toEqual(writer.lines);
    expect(unaccounted(state.checkpoint?.totals ?? expect.fail())).toEqual({ events: 0, bytes: 0 });
  });

  it('sends smaller batches once the receiver has called one too large', async () => {
    const { writer, output, start } = setUp();
    writer.write(2000);
    output.script = (_lines, _request, part) => {
      const bytes = part.items.reduce((sum, item) => sum + part.batch.itemEnd(item) - part.batch.itemStart(item), 0);
      return bytes > 100_000 ? refuse(part, 'split', 413, 'too-large') : STORED;
    };
    await (await start({ ships: true, batch: { maxBytes: 150_000, maxInFlight: 1 } })).ended;
    expect(output.stored).toEqual(writer.lines);
    // The one after it had been cut meanwhile.
    const tooLarge = output.sent.filter(({ body }) => body.length > 100_000);
    expect(tooLarge).toHaveLength(2);
    expect(output.sent.length).toBeGreaterThan(6);
  });

  it('does not send ranges again that were settled out of order', async () => {
    const { writer, output, start } = setUp();
    writer.write(4);
    output.script = (lines) => (idOf(lines[0] ?? '') === '0' ? new Promise(() => undefined) : STORED);
    const running = await start({ batch: { maxEvents: 2 } });
    await until(() => output.stored.length === 2);
    await until(() => running.pipeline.status().batches === 1);
    void running.kill();
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf)).toEqual(['2', '3', '0', '1']);
  });

  it('keeps what was in flight when told to drain before it has been cut again', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(4);
    output.script = () => new Promise(() => undefined);
    const running = await start({ batch: { maxEvents: 2 } });
    await until(() => output.sent.length === 2);
    void running.kill();
    const window = state.checkpoint?.window;
    output.script = () => STORED;
    const again = await start();
    again.drain.abort();
    await again.ended;
    expect(window).toHaveLength(2);
    await (await start({ ships: true })).ended;
    expect(new Set(output.stored)).toEqual(new Set(writer.lines));
    expect(output.stored).toHaveLength(4);
  });

  it('cuts a range under a changed filter anew, under another key, and keeps the account even', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(4);
    output.script = () => new Promise(() => undefined);
    const running = await start();
    await until(() => output.sent.length === 1);
    void running.kill();
    output.script = () => STORED;
    const filter = {
      ...PASS_ALL,
      hash: 'odd',
      rules: ['odd'],
      judge: (event: { text(slot: number): string }) =>
        Number(event.text(1)) % 2 === 1 ? { type: 'drop' as const, rule: 0 } : { type: 'pass' as const },
    };
    await (await start({ ships: true, filter })).ended;
    const [before, after] = output.sent;
    expect(after).toMatchObject({ from: before?.from, to: before?.to });
    expect(after?.key).not.toBe(before?.key);
    expect(output.stored.map(idOf)).toEqual(['0', '2']);
    expect(state.checkpoint?.totals).toMatchObject({ readEvents: 4, delivered: 2, filtered: { odd: 2 } });
  });

  it('records what was in flight of a file that is gone after a restart', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(4);
    output.script = () => new Promise(() => undefined);
    const running = await start();
    await until(() => output.sent.length === 1);
    void running.kill();
    output.script = () => STORED;
    rmSync(writer.path);
    rmSync(join(writer.path, '../.auditail'), { recursive: true });
    writer.write(1);
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf)).toEqual(['4']);
    expect(state.losses).toMatchObject([
      { reason: 'deleted', proof: 'suspected', from: 0 },
      { reason: 'deleted', proof: 'suspected' },
      // Others may have come and gone with it.
      { reason: 'gap', proof: 'suspected' },
    ]);
    expect(state.checkpoint?.window).toEqual([]);
  });

  it('waits for a log that cannot be read before it says that something is missing from it', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(4);
    output.script = () => new Promise(() => undefined);
    const running = await start();
    await until(() => output.sent.length === 1);
    void running.kill();
    output.script = () => STORED;
    const bytes = readFileSync(writer.path);
    rmSync(join(writer.path, '..'), { recursive: true });
    const again = await start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(state.losses).toEqual([]);
    new WriterOnDisk(join(writer.path, '..')).raw(bytes);
    await until(() => output.stored.length === 4);
    await again.finish();
    expect(state.losses).toEqual([]);
  });

  it('reads a file anew from where a power failure has shortened it', async () => {
    const { writer, output, start } = setUp();
    writer.write(6);
    output.script = (lines) => (lines.some((line) => idOf(line) === '3') ? new Promise(() => undefined) : STORED);
    const running = await start({ batch: { maxEvents: 3 } });
    await until(() => output.sent.length === 2);
    await until(() => running.pipeline.status().batches === 1);
    void running.kill();
    output.script = () => STORED;
    // Of the range in flight one event is left, and another writer goes on there.
    const line = Buffer.byteLength(`${writer.lines[0]}\n`);
    truncateSync(writer.path, 4 * line);
    for (let id = 90; id < 96; id += 1) appendFileSync(writer.path, eventLine(id));
    await (await start({ ships: true })).ended;
    const ids = new Set(output.stored.map(idOf));
    for (const id of ['0', '1', '2', '3', '90', '91', '92', '93', '94', '95']) expect(ids).toContain(id);
  });

  it('reads files in their order that an earlier run had pinned, the live one first', async () => {
    const { writer, output, start } = setUp();
    writer.write(3);
    writer.rotate();
    output.script = () => new Promise(() => undefined);
    const running = await start({ batch: { maxEvents: 1, maxInFlight: 1 } });
    writer.write(2);
    await running.log.refresh(true);
    await until(() => output.sent.length === 1);
    void running.kill();
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored).toEqual(writer.lines);
  });

  it('closes the account of a file without a single event', async () => {
    const { writer, state, output, start } = setUp();
    writer.raw('\n\n');
    writer.rotate();
    writer.raw('not json\n');
    writer.rotate();
    writer.write(1);
    await (await start({ ships: true })).ended;
    expect(output.stored).toEqual(writer.lines);
    expect(state.ledger).toMatchObject([
      { bytes: 2, counts: { skippedBytes: 2, readEvents: 0 } },
      { bytes: 9, counts: { readEvents: 1, deadLettered: { 'not-json': 1 } } },
    ]);
    expect([...state.letters.values()].map(({ bytes }) => bytes.toString())).toEqual(['not json']);
  });

  it('reads on when a file grows after it was settled, and closes its account once more', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(2);
    const backup = writer.rotate();
    writer.write(1);
    const running = await start();
    await until(() => state.ledger.length === 1);
    appendFileSync(backup, eventLine('late'));
    await running.finish().catch((error: unknown) => expect.fail(String(error)));
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf)).toContain('late');
    expect(output.stored).toHaveLength(4);
    expect(state.ledger.at(-1)).toMatchObject({ counts: { delivered: 3 } });
  });

  it('stops at once while the receiver is down, and what was in flight stands in the checkpoint', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(3);
    output.script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');
    const running = await start();
    await until(() => output.sent.length > 3);
    expect(running.pipeline.status()).toMatchObject({ state: 'retrying', reason: 'refused', inFlight: 1 });
    running.drain.abort();
    await new Promise((resolve) => setTimeout(resolve, 10));
    running.stop.abort();
    await running.ended;
    expect(state.checkpoint?.window).toMatchObject([{ from: 0, settled: false }]);
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored).toEqual(writer.lines);
  });

  it('sends what has been read before it ends when it is drained', async () => {
    const { writer, output, start } = setUp();
    writer.write(3);
    const running = await start({ batch: { maxDelay: 60_000 } });
    await until(() => (running.pipeline.status().position?.offset ?? 0) > 0);
    running.drain.abort();
    await running.ended;
    expect(output.stored).toEqual(writer.lines);
  });

  it('ends without a fault when it is stopped while it holds for its state', async () => {
    const { writer, state, output, start } = setUp();
    writer.raw('torn\n');
    state.full = true;
    const running = await start();
    await until(() => running.pipeline.status().state === 'holding');
    expect(running.pipeline.status().reason).toBe('dead-letter-full');
    running.stop.abort(new Error('stopped'));
    await running.ended;
    expect(output.sent).toEqual([]);
    state.full = false;
    await (await start({ ships: true })).ended;
    expect(state.letters.size).toBe(1);
  });

  it('holds while the dead letter is full, and says nothing of it any more once there is room', async () => {
    const { writer, state, start } = setUp();
    writer.raw('torn\n');
    state.full = true;
    const running = await start();
    await until(() => running.pipeline.status().state === 'holding');
    state.full = false;
    await until(() => running.pipeline.status().state === 'idle');
    expect(running.pipeline.status()).toMatchObject({ reason: '', words: '' });
    await running.finish();
    expect(running.said.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('is retrying as long as one of two batches in flight is', async () => {
    const { writer, output, start } = setUp();
    writer.write(1);
    output.script = (lines, _request, part) =>
      lines.some((line) => idOf(line) === '0') ? refuse(part, 'retry', 503) : STORED;
    const running = await start({ batch: { maxEvents: 1 } });
    await until(() => running.pipeline.status().state === 'retrying');
    writer.write(2);
    await until(() => output.stored.length === 2);
    expect(running.pipeline.status()).toMatchObject({ state: 'retrying', reason: 'http-503' });
    output.script = () => STORED;
    await until(() => running.pipeline.status().state === 'idle');
    await running.finish();
  });

  it('ends with the fault when an output has one, though another batch waits for its receiver', async () => {
    const { writer, output, start } = setUp();
    writer.write(2);
    output.script = (lines, _request, part) => {
      if (idOf(lines[0] ?? '') === '1') throw new TypeError('a fault of the program');
      return refuse(part, 'retry', 0, 'refused');
    };
    const running = await start({ batch: { maxEvents: 1 } });
    await expect(running.ended).rejects.toThrow('a fault of the program');
  });

  it('ships a lone bad event to the dead letter once others have passed', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(6);
    output.script = (lines, _request, part) =>
      lines.some((line) => idOf(line) === '2') ? refuse(part, 'suspect', 400) : STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored.map(idOf).toSorted()).toEqual(['0', '1', '3', '4', '5']);
    expect([...state.letters.values()]).toMatchObject([
      { reason: 'http-400', status: 400, offset: 2 * (writer.bytes / 6) },
    ]);
    expect(state.checkpoint?.totals).toMatchObject({
      delivered: 5,
      deadLettered: { 'http-400': 1 },
      readBytes: writer.bytes,
    });
    expect(unaccounted(state.checkpoint?.totals ?? expect.fail())).toEqual({ events: 0, bytes: 0 });
  });

  it('says once, not for every batch, that lines are set aside', async () => {
    const { writer, state, start } = setUp();
    for (let line = 0; line < 200; line += 1) writer.raw(`torn ${line}\n`);
    const { said, ended } = await start({ ships: true, batch: { maxEvents: 1 } });
    await ended;
    expect(state.letters.size).toBe(200);
    expect(said.filter(({ message }) => message === 'lines were set aside')).toHaveLength(1);
  });

  it('gives the memory of a large event back while it waits for the receiver', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(1, 6 * 1024 * 1024);
    writer.write(1);
    output.script = (lines, _request, part) => (idOf(lines[0] ?? '') === '0' ? refuse(part, 'retry', 503) : STORED);
    const running = await start({ maxLineBytes: 16 * 1024 * 1024 });
    await until(() => output.stored.length === 1);
    await until(() => running.pipeline.heldBytes < 8 * 1024 * 1024);
    output.script = () => STORED;
    await running.finish();
    expect(output.stored.map(idOf).toSorted()).toEqual(['0', '1']);
    expect(new Set(output.sent.filter(({ from }) => from === 0).map(({ key }) => key)).size).toBe(1);
    expect(unaccounted(state.checkpoint?.totals ?? expect.fail())).toEqual({ events: 0, bytes: 0 });
  });

  it('sets a line that is too long aside straight from disk, and goes on behind it', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(1);
    const long = eventLine('long', 0, 3_000_000);
    writer.raw(long);
    writer.write(1);
    await (await start({ ships: true, maxLineBytes: 1_000_000 })).ended;
    expect(output.stored.map(idOf)).toEqual(['0', '1']);
    expect([...state.letters.values()].map(({ bytes }) => bytes.toString())).toEqual([long]);
    expect(state.checkpoint?.totals).toMatchObject({ readBytes: writer.bytes, deadLettered: { oversize: 1 } });
  });

  it('does not begin elsewhere when it is started again before anything was settled', async () => {
    const { writer, state, output, start } = setUp();
    writer.write(5);
    await (await start({ ships: true, firstRun })).ended;
    writer.write(2);
    await (await start({ ships: true, firstRun })).ended;
    expect(output.stored.map(idOf)).toEqual(['5', '6']);
    expect(state.losses).toMatchObject([{ reason: 'not-taken', from: 0 }]);
  });

  it('knows the age of the oldest event that is not settled', async () => {
    const { writer, output, start } = setUp();
    const now = Date.now();
    writer.raw(eventLine('a', now - 90_000));
    output.script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');
    const running = await start();
    await until(() => output.sent.length > 0);
    writer.raw(eventLine('b', now));
    const { lagSeconds } = running.pipeline.status();
    expect(lagSeconds).toBeGreaterThan(89);
    expect(lagSeconds).toBeLessThan(110);
    output.script = () => STORED;
    await running.finish();
    expect(running.pipeline.status().lagSeconds).toBe(0);
  });
});
