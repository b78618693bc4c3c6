import { cpSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { configSchema, type StdinSourceConfig } from '../../src/config/schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { createStdinSource } from '../../src/source/stdin.ts';
import { Cursor } from '../../src/log/cursor.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { eventLine, until } from '../pipeline/pipeline-harness.ts';

function setUp(spool: object = {}, stateDirectory = temporaryDirectory()) {
  const input = new PassThrough();
  const sources = [{ name: 'pipe', type: 'stdin', spool }];
  const config = configSchema.parse({ sources, outputs: [{ name: 'o', type: 'stdout' }] })
    .sources[0] as StdinSourceConfig;
  const said: string[] = [];
  const view = new EventView();
  const source = createStdinSource({
    config,
    stateDirectory,
    input,
    reference: (line) => (view.read(line, 0, line.length) === null ? view.reference() : null),
    anomaly: (kind) => void said.push(kind),
  });
  const places = new Map();
  const reader = { name: 'reader', remembered: () => [] };
  source.log.register(reader, []);
  const cursor = new Cursor(source.log, places, { maxLineBytes: 1 << 24, enter: () => [] });
  const files = () => readdirSync(join(stateDirectory, 'spool/pipe'));
  /** Bytes of the spool's live file. */
  const spooled = () =>
    statSync(join(stateDirectory, 'spool/pipe/audit.log'), { throwIfNoEntry: false })?.size ?? Number.NaN;
  /** Reads and settles what there is. */
  const read = async (): Promise<{ text: string; losses: string[] }> => {
    let text = '';
    const losses: string[] = [];
    await source.log.refresh(true);
    for (let piece = await cursor.next(); piece !== null; piece = await cursor.next()) {
      if (piece.kind === 'lines' || piece.kind === 'torn')
        text += piece.bytes.toString('latin1', piece.start, piece.end);
      else if (piece.kind === 'loss') losses.push(piece.loss.reason);
      else if (piece.kind === 'end') await source.log.settled(piece.segment, 'reader');
    }
    return { text, losses };
  };
  return { input, source, said, read, files, spooled, stateDirectory, config };
}

const signal = new AbortController().signal;

describe('a pipe', () => {
  it('is in the spool to its last byte when it ends', async () => {
    const { input, source, read } = setUp();
    await source.log.begin();
    const following = source.follow(signal);
    input.write(eventLine(1));
    input.end(`${eventLine(2)}torn`);
    await following;
    expect((await read()).text).toBe(`${eventLine(1)}${eventLine(2)}torn`);
  });

  it('leaves what was not settled for the next start', async () => {
    const first = setUp();
    await first.source.log.begin();
    const following = first.source.follow(signal);
    first.input.end(eventLine(1));
    await following;
    await first.source.log.close();
    const second = setUp({}, first.stateDirectory);
    await second.source.log.begin();
    second.input.end(eventLine(2));
    await second.source.follow(signal);
    expect((await second.read()).text).toBe(eventLine(1) + eventLine(2));
    expect(second.files()).toEqual([]);
  });

  it('says that something may be lost where an agent was killed, and joins a line whose rest is still in the pipe', async () => {
    const first = setUp();
    await first.source.log.begin();
    void first.source.follow(signal);
    const line = eventLine(1);
    first.input.write(line.slice(0, 50));
    await until(() => first.spooled() === 50);
    const stateDirectory = temporaryDirectory();
    cpSync(first.stateDirectory, stateDirectory, { recursive: true });
    first.input.end();
    const second = setUp({}, stateDirectory);
    await second.source.log.begin();
    second.input.end(line.slice(50));
    await second.source.follow(signal);
    expect(second.said).toContain('pipe');
    expect(await second.read()).toEqual({ text: line, losses: ['pipe'] });
  });

  it.each(['off', 'grouped', 'each'])('is in the spool with fsync: %s', async (fsync) => {
    const { input, source, read } = setUp({ fsync });
    await source.log.begin();
    const following = source.follow(signal);
    input.end(eventLine(1) + eventLine(2));
    await following;
    expect((await read()).text).toBe(eventLine(1) + eventLine(2));
  });

  it('puts what it has read into the spool when it is told to stop', async () => {
    const { input, source, read } = setUp();
    await source.log.begin();
    const stop = new AbortController();
    const following = source.follow(stop.signal);
    input.write(eventLine(1));
    input.write(eventLine(2));
    stop.abort();
    await following;
    expect(input.destroyed).toBe(true);
    expect((await read()).text).toBe(eventLine(1) + eventLine(2));
  });

  it.each([
    [gzipSync(eventLine(1)), true],
    [Buffer.from(eventLine(1)), false],
  ])('says so where it begins as gzip does (%#)', async (bytes, isTold) => {
    const { input, source, said, read } = setUp();
    await source.log.begin();
    const following = source.follow(signal);
    input.end(bytes);
    await following;
    expect(said.includes('pipe-gzip')).toBe(isTold);
    expect((await read()).text).toBe(bytes.toString('latin1'));
  });

  it('rejects when the pipe breaks', async () => {
    const { input, source } = setUp();
    await source.log.begin();
    const following = source.follow(signal);
    input.write(eventLine(1));
    setTimeout(() => input.destroy(new Error('EIO: broken')), 5);
    await expect(following).rejects.toThrow('broken');
  });

  it('blocks where the spool is full, and goes on once something was settled', async () => {
    const { input, source, said, read } = setUp({ maxBytes: '1Mi' });
    await source.log.begin();
    const following = source.follow(signal);
    const lines = Array.from({ length: 40 }, (_, id) => eventLine(10 + id, 0, 60_000));
    for (const line of lines) input.write(line);
    input.end();
    await until(() => said.includes('spool-full'));
    expect(source.status().bytes).toBeLessThanOrEqual(1 << 20);
    let text = '';
    const ended = new AbortController();
    void following.then(() => ended.abort());
    for (let last = false; !last; ) {
      last = ended.signal.aborted;
      const got = await read();
      expect(got.losses).toEqual([]);
      text += got.text;
    }
    expect(text).toBe(lines.join(''));
  });

  it('takes a line that is longer than the spool may be: there is no other way to get rid of it', async () => {
    const { input, source, read } = setUp({ maxBytes: '1Mi' });
    await source.log.begin();
    const following = source.follow(signal);
    const line = eventLine(1, 0, 3_000_000);
    input.end(line);
    await following;
    expect((await read()).text).toBe(line);
  });

  it('lets the oldest go where it is told to, and says so', async () => {
    const { input, source, said, read } = setUp({ maxBytes: '1Mi', whenFull: 'dropOldest' });
    await source.log.begin();
    const following = source.follow(signal);
    const lines = Array.from({ length: 40 }, (_, id) => eventLine(10 + id, 0, 60_000));
    for (const line of lines) input.write(line);
    input.end();
    await following;
    expect(said).toContain('spool-full');
    const { text, losses } = await read();
    expect(losses.length).toBeGreaterThan(0);
    expect(new Set(losses)).toEqual(new Set(['spool-full']));
    expect(text.length).toBeLessThanOrEqual(1 << 20);
    expect(text.length).toBeGreaterThan(500_000);
    expect(lines.join('').endsWith(text)).toBe(true);
  });
});
