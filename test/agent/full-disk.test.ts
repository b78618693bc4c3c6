import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { configSchema } from '../../src/config/schema.ts';
import { startReceiver } from '../../src/demo/receiver.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { shell } from '../log/support/shell.ts';
import { until, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A filesystem of its own; false where only root may mount one. */
function mounted(directory: string): boolean {
  mkdirSync(directory, { mode: 0o700 });
  try {
    shell('mount -t tmpfs -o size=256k,mode=0700 auditail-test "$1"', directory);
  } catch {
    return false;
  }
  onTestFinished(() => void shell('umount -l "$1"', directory));
  return true;
}

function fillUp(file: string): void {
  for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
}

test('a full disk under the state: what can be known again is shipped on, the rest waits for room, and nothing comes twice', async (context) => {
  const directory = temporaryDirectory();
  const stateDirectory = join(directory, 'state');
  if (!mounted(stateDirectory)) return context.skip('mounting a tmpfs takes root: not tried');
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const writer = new WriterOnDisk(join(directory, 'log'));
  const own = { batch: { maxDelay: '5ms' }, retry: { initialDelay: '1ms', maxDelay: '5ms' } };
  const config = configSchema.parse({
    stateDirectory,
    sources: [{ name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } }],
    outputs: [
      { name: 'search', type: 'elasticsearch', url: receiver.elasticsearch.url, index: 'audit', ...own },
      { name: 'hook', type: 'http', url: receiver.http.url, ...own },
    ],
    telemetry: { listen: 'off' },
  });
  const agent = await startAgent(
    { ...config, metadata: {} },
    { mode: 'run', logger: pino({ level: 'silent' }), version: '0.0.0' },
  );
  onTestFinished(async () => {
    agent.stop();
    agent.stop();
    await agent.ended;
  });
  const pipeline = (name: string) => agent.status().pipelines.find(({ output }) => output === name);
  const delivered = (name: string) => pipeline(name)?.totals.delivered ?? 0;

  writer.write(3);
  await until(() => delivered('search') === 3 && delivered('hook') === 3);
  fillUp(join(stateDirectory, 'filler'));
  await until(() => {
    writer.write(1);
    return pipeline('hook')?.state === 'holding';
  });
  expect(pipeline('hook')).toMatchObject({ reason: 'state-unwritable' });
  expect(pipeline('hook')?.words).toContain('ENOSPC');
  const held = delivered('hook');
  writer.write(50);
  await until(() => delivered('search') === writer.lines.length);
  expect(delivered('hook')).toBe(held);
  expect(pipeline('search')?.reason).toBe('state-unwritable');

  rmSync(join(stateDirectory, 'filler'));
  await until(() => delivered('hook') === writer.lines.length);
  await until(() => agent.status().pipelines.every(({ state }) => state === 'idle'));
  for (const { totals } of agent.status().pipelines) expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
  expect(receiver.http.requests.reduce((sum, { events }) => sum + events, 0)).toBe(writer.lines.length);
});
