import { fork } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventLine, until, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LINE = 40 * 1024 * 1024;
const MI = 1024 * 1024;

it('takes at most three times the length of a 40 MB line in memory, and gives all of it back within 30 seconds', async () => {
  const directory = temporaryDirectory();
  const writer = new WriterOnDisk(join(directory, 'log'));
  writer.write(100);
  const child = fork(join(import.meta.dirname, 'large-line-child.ts'), [
    join(directory, 'state'),
    writer.path,
    join(directory, 'out'),
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let delivered = 0;
  let rss = 0;
  let peak = 0;
  child.on('message', (said: { delivered: number; rss: number }) => {
    ({ delivered, rss } = said);
    peak = Math.max(peak, rss);
  });
  await until(() => delivered === 100);
  const before = rss;
  peak = 0;
  writer.raw(eventLine('large', undefined, LINE));
  await until(() => delivered === 101);
  const deliveredAt = performance.now();
  await until(() => rss < before + LINE / 4);
  expect(performance.now() - deliveredAt).toBeLessThan(30_000);
  expect((peak - before) / MI).toBeLessThan((3 * LINE) / MI + 20);
});
