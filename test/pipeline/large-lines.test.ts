import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LARGE_BYTES, LargeLines } from '../../src/pipeline/large-lines.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { idOf, KeptState, type RunOptions, startPipeline, until, WriterOnDisk } from './pipeline-harness.ts';
import { refuse, ScriptedOutput, STORED } from './scripted-output.ts';

const LARGE = 6 * 1024 * 1024;
const never = new AbortController().signal;

function setUp(largeLines: LargeLines) {
  const writer = new WriterOnDisk(join(temporaryDirectory(), 'log'));
  const state = new KeptState();
  const output = new ScriptedOutput();
  const start = (more: Partial<RunOptions> = {}) =>
    startPipeline({ path: writer.path, output, state, largeLines, maxLineBytes: 4 * LARGE, ...more });
  return { writer, state, output, start };
}

describe('the turn of a large line', () => {
  it('passes from one to the next in the order in which they asked', async () => {
    const turns = new LargeLines();
    const [a, b, c] = [{}, {}, {}];
    await turns.take(a, never);
    await turns.take(a, never);
    const got: string[] = [];
    const second = turns.take(b, never).then(() => got.push('b'));
    const third = turns.take(c, never).then(() => got.push('c'));
    turns.release(b);
    await Promise.resolve();
    expect(got).toEqual([]);
    turns.release(a);
    await second;
    expect(got).toEqual(['b']);
    turns.release(b);
    await third;
    expect(turns.holds(c)).toBe(true);
  });

  it('is handed on by its holder only, and no longer waited for when the signal comes', async () => {
    const turns = new LargeLines();
    const [a, b] = [{}, {}];
    await turns.take(a, never);
    turns.hand(b, a);
    turns.hand(a, b);
    expect(turns.holds(b)).toBe(true);
    const stop = new AbortController();
    const waiting = turns.take(a, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    turns.release(b);
    await turns.take(a, never);
  });
});

describe('pipelines with large lines', () => {
  it('have theirs although the receiver of another is down, whose memory is free meanwhile', async () => {
    for (const maxInFlight of [1, 2]) {
      const turns = new LargeLines();
      const dead = setUp(turns);
      const living = setUp(turns);
      for (const { writer } of [dead, living]) {
        writer.write(1);
        for (let round = 0; round < 3; round += 1) {
          writer.write(1, LARGE);
          writer.write(2);
        }
      }
      dead.output.script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');
      const batch = { maxInFlight };
      const one = await dead.start({ batch });
      await until(() => dead.output.requests.length > 5);
      const other = await living.start({ batch });
      await until(() => living.output.stored.length === living.writer.lines.length);
      // At most the next long line, of which so much is read without a turn, and four batches of the usual size.
      await until(() => one.pipeline.heldBytes < 2 * LARGE_BYTES + 5 * 1024 * 1024);
      dead.output.script = () => STORED;
      await one.finish();
      await other.finish();
      for (const { output, writer, state } of [dead, living]) {
        expect(output.stored.map(idOf).toSorted()).toEqual(writer.lines.map(idOf).toSorted());
        if (maxInFlight === 1) expect(output.stored).toEqual(writer.lines);
        const totals = state.checkpoint?.totals ?? expect.fail('no checkpoint');
        expect(totals).toMatchObject({ readEvents: writer.lines.length, readBytes: writer.bytes });
        expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
      }
    }
  });

  it('have theirs although the dead letter of another is full', async () => {
    const turns = new LargeLines();
    const stuck = setUp(turns);
    const living = setUp(turns);
    for (const { writer } of [stuck, living]) {
      writer.write(1, LARGE);
      writer.write(1);
    }
    stuck.state.full = true;
    stuck.output.refusal = (event) => (event.end - event.start > LARGE ? { reason: 'too-long', words: '' } : null);
    const one = await stuck.start();
    await until(() => one.pipeline.status().reason === 'dead-letter-full');
    const other = await living.start();
    await until(() => living.output.stored.length === 2);
    stuck.state.full = false;
    await one.finish();
    await other.finish();
    expect([...stuck.state.letters.values()].map(({ bytes }) => bytes.length)).toEqual([stuck.writer.lines[0]?.length]);
    expect(stuck.state.checkpoint?.totals).toMatchObject({ delivered: 1, deadLettered: { 'too-long': 1 } });
  });

  it('have theirs although another waits for the end of one that is being written', async () => {
    const turns = new LargeLines();
    const slow = setUp(turns);
    const living = setUp(turns);
    slow.writer.raw('x'.repeat(LARGE));
    living.writer.write(1, LARGE);
    const one = await slow.start();
    await until(() => (one.pipeline.status().position?.segment ?? '') !== '' || one.log.segments.length > 0);
    const other = await living.start();
    await until(() => living.output.stored.length === 1);
    slow.writer.raw('\n');
    slow.writer.write(1);
    await until(() => slow.output.stored.length === 1);
    await one.finish();
    await other.finish();
    expect(slow.state.checkpoint?.totals).toMatchObject({ delivered: 1, deadLettered: { 'not-json': 1 } });
  });

  it('send a large range that was in flight again after a kill', async () => {
    const { writer, state, output, start } = setUp(new LargeLines());
    writer.write(1, LARGE);
    writer.write(1, LARGE);
    output.script = (_lines, _request, part) => refuse(part, 'retry', 0, 'refused');
    const running = await start();
    await until(() => output.requests.length > 6);
    void running.kill();
    output.script = () => STORED;
    await (await start({ ships: true })).ended;
    expect(output.stored).toEqual(writer.lines);
    expect(state.checkpoint?.window).toEqual([]);
  });
});
