import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createStdoutOutput } from '../../../src/output/file/stdout.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig, scratch } from './file-support.ts';

const SETTLED = { rejected: [], again: [], duplicates: 0 };
const config = outputConfig({ type: 'stdout' });

/** A pipe with both ends in our hands. */
function pipe(path: string) {
  execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, constants.O_WRONLY);
  /** So many bytes of what stands in the pipe now; all are ASCII. */
  const take = (most: number): string => {
    const buffer = Buffer.alloc(most);
    try {
      return buffer.toString('utf8', 0, readSync(read, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return '';
    }
  };
  return {
    write,
    /** All that stands in the pipe now, and what is written meanwhile. */
    drain(): string {
      let text = '';
      for (let more = take(1 << 20); more !== ''; more = take(1 << 20)) text += more;
      return text;
    },
    take,
    closeReader: () => closeSync(read),
  };
}

function lines(count: number, size = 0): string[] {
  return Array.from({ length: count }, (_, number) =>
    auditLine({ auditID: `${number}`, requestURI: 'x'.repeat(size) }),
  );
}

describe('the stdout output', () => {
  it('writes each event as a line', async () => {
    using directory = scratch();
    const { write, drain } = pipe(directory.at('pipe'));
    const output = createStdoutOutput(config, {}, write);
    const events = lines(3);
    expect(await output.send(wholePart(batchOf(output, events)), new AbortController().signal)).toEqual(SETTLED);
    expect(drain()).toBe(`${events.join('\n')}\n`);
    await output.close();
  });

  it('waits for a reader that does not read, without blocking anything else', async () => {
    using directory = scratch();
    const { write, drain } = pipe(directory.at('pipe'));
    const output = createStdoutOutput(config, {}, write);
    const events = lines(300, 1000); // four times what a pipe holds
    const progress = { done: false };
    const sending = output.send(wholePart(batchOf(output, events)), new AbortController().signal).then((result) => {
      progress.done = true;
      return result;
    });
    let read = '';
    while (!progress.done) {
      await new Promise((resolve) => setImmediate(resolve));
      read += drain();
    }
    expect(await sending).toEqual(SETTLED);
    expect(read + drain()).toBe(`${events.join('\n')}\n`);
    await output.close();
  });

  it('stops when it is told to, says which events are not through, and ends the torn line before it goes on', async () => {
    using directory = scratch();
    const { write, drain, take } = pipe(directory.at('pipe'));
    const output = createStdoutOutput(config, {}, write);
    const events = lines(200, 1000); // three times what a pipe holds
    const batch = batchOf(output, events);
    const stop = new AbortController();
    const sending = output.send(wholePart(batch), stop.signal);
    let read = '';
    while (read === '') {
      await new Promise((resolve) => setImmediate(resolve));
      read = take(1000); // Not all: the writer, on another thread, may be as fast as the reader.
    }
    stop.abort();
    const { again } = await sending;
    read += drain();
    expect(again).toMatchObject([{ how: 'retry', reason: 'aborted', status: 0 }]);
    const left = again[0]?.items as number[];
    expect(left.at(-1)).toBe(199);
    const through = read.split('\n');
    const torn = through.pop() as string;
    expect(through).toEqual(events.slice(0, left[0]));
    expect(events[left[0] as number]?.startsWith(torn)).toBe(true);

    expect(await output.send({ batch, items: left.slice(0, 2) }, new AbortController().signal)).toEqual(SETTLED);
    const next = events.slice(left[0], (left[0] as number) + 2).join('\n');
    expect(drain()).toBe(`${torn === '' ? '' : '\n'}${next}\n`);
    await output.close();
  });

  it('holds when the reader is gone', async () => {
    using directory = scratch();
    const { write, closeReader } = pipe(directory.at('pipe'));
    const output = createStdoutOutput(config, {}, write);
    const part = wholePart(batchOf(output, lines(2)));
    const { signal } = new AbortController();
    expect(await output.send(part, signal)).toEqual(SETTLED);
    closeReader();
    const { again } = await output.send(part, signal);
    expect(again).toMatchObject([{ how: 'hold', items: [0, 1], reason: 'reader-gone' }]);
    expect(again[0]?.words).toMatch(/^cannot write to standard output: EPIPE/);
    await output.close();
  });

  it('appends where the shell has opened a file', async () => {
    using directory = scratch();
    const path = directory.at('out');
    const fd = openSync(path, 'a');
    const output = createStdoutOutput(config, { node: 'n' }, fd);
    const events = lines(2);
    const batch = batchOf(output, events);
    expect(await output.send(wholePart(batch), new AbortController().signal)).toEqual(SETTLED);
    expect(readFileSync(path, 'utf8')).toBe(
      events.map((line) => `{"auditail":{"node":"n"},${line.slice(1)}\n`).join(''),
    );
    expect(output.eventBytes(batch, 1).toString()).toBe(events[1]);
    closeSync(fd);
    await output.close();
  });

  it('says what standard output is', async () => {
    const { signal } = new AbortController();
    expect(await createStdoutOutput(config, {}, openSync('/dev/null', 'w')).probe(signal)).toEqual([
      { level: 'ok', text: 'Standard output is a terminal or device.' },
    ]);
    expect(await createStdoutOutput(config, {}, 9999).probe(signal)).toMatchObject([{ level: 'error' }]);
  });
});
