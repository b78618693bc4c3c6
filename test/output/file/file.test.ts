import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFileOutput } from '../../../src/output/file/file.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';
import { outputConfig, scratch } from './file-support.ts';

const signal = new AbortController().signal;
const SETTLED = { rejected: [], again: [], duplicates: 0 };

function fileOutput(path: string, metadata = {}) {
  return createFileOutput(outputConfig({ type: 'file', path }), metadata);
}

function lines(...ids: string[]): string[] {
  return ids.map((auditID) => auditLine({ auditID }));
}

describe('the file output', () => {
  it('appends each event as a line, byte for byte, to a file that only its owner reads', async () => {
    using directory = scratch();
    const path = directory.at('out.ndjson');
    const output = fileOutput(path);
    const [a, b] = lines('a', 'b') as [string, string];
    const odd = Buffer.from(auditLine({ verb: 'g?t' }));
    odd[odd.indexOf('g?t') + 1] = 0xff;
    expect(await output.send(wholePart(batchOf(output, [a, odd])), signal)).toEqual(SETTLED);
    expect(await output.send(wholePart(batchOf(output, [b])), signal)).toEqual(SETTLED);
    await output.close();
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.from(`${a}\n`), odd, Buffer.from(`\n${b}\n`)]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('writes only the items of the part', async () => {
    using directory = scratch();
    const output = fileOutput(directory.at('out'));
    const [a, b, c] = lines('a', 'b', 'c') as [string, string, string];
    await output.send({ batch: batchOf(output, [a, b, c]), items: [0, 2] }, signal);
    await output.close();
    expect(readFileSync(directory.at('out'), 'utf8')).toBe(`${a}\n${c}\n`);
  });

  it('adds the metadata, and gives a dead letter the event without it', async () => {
    using directory = scratch();
    const output = fileOutput(directory.at('out'), { cluster: 'höhle' });
    const [a] = lines('a') as [string];
    const batch = batchOf(output, [a]);
    await output.send(wholePart(batch), signal);
    await output.close();
    expect(JSON.parse(readFileSync(directory.at('out'), 'utf8'))).toEqual({
      auditail: { cluster: 'höhle' },
      ...JSON.parse(a),
    });
    expect(output.eventBytes(batch, 0).toString()).toBe(a);
  });

  it('goes on in a new file where the old one was renamed or removed', async () => {
    using directory = scratch();
    const path = directory.at('out');
    const output = fileOutput(path);
    const [a, b, c] = lines('a', 'b', 'c') as [string, string, string];
    await output.send(wholePart(batchOf(output, [a])), signal);
    renameSync(path, directory.at('out.1'));
    await output.send(wholePart(batchOf(output, [b])), signal);
    expect(readFileSync(directory.at('out.1'), 'utf8')).toBe(`${a}\n`);
    expect(readFileSync(path, 'utf8')).toBe(`${b}\n`);
    rmSync(path);
    await output.send(wholePart(batchOf(output, [c])), signal);
    expect(readFileSync(path, 'utf8')).toBe(`${c}\n`);
    await output.close();
  });

  it('ends a line that a crash has torn, so that the next event stands alone', async () => {
    using directory = scratch();
    const path = directory.at('out');
    const [a, b] = lines('a', 'b') as [string, string];
    writeFileSync(path, `${a}\n${b.slice(0, 20)}`);
    const output = fileOutput(path);
    await output.send(wholePart(batchOf(output, [b])), signal);
    await output.close();
    expect(readFileSync(path, 'utf8')).toBe(`${a}\n${b.slice(0, 20)}\n${b}\n`);
  });

  it('appends behind what others append', async () => {
    using directory = scratch();
    const path = directory.at('out');
    const output = fileOutput(path);
    const [a, b] = lines('a', 'b') as [string, string];
    await output.send(wholePart(batchOf(output, [a])), signal);
    appendFileSync(path, 'other\n');
    await output.send(wholePart(batchOf(output, [b])), signal);
    await output.close();
    expect(readFileSync(path, 'utf8')).toBe(`${a}\nother\n${b}\n`);
  });

  it('keeps the order of batches that are sent at the same time', async () => {
    using directory = scratch();
    const output = fileOutput(directory.at('out'));
    const all = Array.from({ length: 20 }, (_, number) => auditLine({ auditID: `event-${number}` }));
    await Promise.all(all.map((line) => output.send(wholePart(batchOf(output, [line])), signal)));
    await output.close();
    expect(readFileSync(directory.at('out'), 'utf8')).toBe(`${all.join('\n')}\n`);
  });

  it('holds where somebody has to mend something, and goes on when it is mended', async () => {
    using directory = scratch();
    const path = directory.at('sub/out');
    const output = fileOutput(path);
    const part = wholePart(batchOf(output, lines('a')));
    const { again } = await output.send(part, signal);
    expect(again).toMatchObject([{ how: 'hold', items: [0], status: 0, reason: 'no-directory' }]);
    expect(again[0]?.words).toMatch(/^cannot write to .*sub\/out: ENOENT/);
    mkdirSync(directory.at('sub'));
    expect(await output.send(part, signal)).toEqual(SETTLED);
    await output.close();
  });

  it('holds where the path is no regular file', async () => {
    using directory = scratch();
    const output = fileOutput(directory.path);
    const part = wholePart(batchOf(output, lines('a')));
    expect((await output.send(part, signal)).again).toMatchObject([{ how: 'hold', reason: 'not-a-file' }]);
    const device = fileOutput('/dev/null');
    expect((await device.send(part, signal)).again).toMatchObject([{ how: 'hold', reason: 'not-a-file' }]);
  });

  it('begins nothing when the agent is stopping', async () => {
    using directory = scratch();
    const output = fileOutput(directory.at('out'));
    const part = wholePart(batchOf(output, lines('a')));
    expect((await output.send(part, AbortSignal.abort())).again).toMatchObject([{ how: 'retry', reason: 'aborted' }]);
    await output.close();
  });

  it('probes without writing', async () => {
    using directory = scratch();
    const path = directory.at('out');
    const output = fileOutput(path);
    expect(await output.probe(signal)).toEqual([{ level: 'ok', text: `${path} is not there yet and can be made.` }]);
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    expect(await output.probe(signal)).toMatchObject([{ level: 'warning', hint: `chmod 0600 ${path}` }]);
    chmodSync(path, 0o600);
    expect(await output.probe(signal)).toMatchObject([{ level: 'ok' }]);
    expect(await fileOutput(directory.at('no/out')).probe(signal)).toMatchObject([{ level: 'error' }]);
    expect(await fileOutput(directory.path).probe(signal)).toMatchObject([{ level: 'error' }]);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('names the absolute path as its destination', () => {
    expect(fileOutput('/var/log/../log/out').destination).toBe('file /var/log/out');
  });
});
