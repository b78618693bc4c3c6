import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { eventLine, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MI = 2 ** 20;
const LIMIT = 192 * MI;
const ROOT = '/sys/fs/cgroup';

/** A cgroup of 192 MiB, either version; null where this process may make none. */
function makeCgroup(): { readonly directory: string; readonly killed: () => number } | null {
  const v1 = existsSync(join(ROOT, 'memory/memory.limit_in_bytes'));
  const directory = join(v1 ? join(ROOT, 'memory') : ROOT, `auditail-test-${process.pid}`);
  try {
    mkdirSync(directory);
  } catch {
    return null;
  }
  try {
    writeFileSync(join(directory, v1 ? 'memory.limit_in_bytes' : 'memory.max'), String(LIMIT));
  } catch {
    rmdirSync(directory);
    return null;
  }
  onTestFinished(() => rmdirSync(directory));
  const events = join(directory, v1 ? 'memory.oom_control' : 'memory.events');
  return { directory, killed: () => Number(/^oom_kill (\d+)/m.exec(readFileSync(events, 'utf8'))?.[1]) };
}

test('in a cgroup of 192 MiB a line of 20 MiB is delivered, and longer ones are set aside', async (context) => {
  const cgroup = makeCgroup();
  if (cgroup === null) return context.skip('this process may not make a memory cgroup');
  const directory = temporaryDirectory();
  const writer = new WriterOnDisk(join(directory, 'log'));
  const output = join(directory, 'out');
  for (const megabytes of [20, 30, 70, 20]) {
    writer.write(1000, 6000);
    writer.raw(eventLine(`long-${megabytes}`, undefined, megabytes * MI));
  }
  const config = join(directory, 'auditail.yaml');
  const source = { name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } };
  writeFileSync(
    config,
    stringify({
      stateDirectory: join(directory, 'state'),
      sources: [source],
      outputs: [{ name: 'o', type: 'file', path: output }],
      telemetry: { listen: 'off' },
    }),
  );
  const command = `echo $$ > ${cgroup.directory}/cgroup.procs && exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, BUNDLE, 'ship', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = await once(child, 'close');
  expect(cgroup.killed()).toBe(0);
  expect(code, said).toBe(0);
  const lengths = readFileSync(output, 'latin1')
    .split('\n')
    .map(({ length }) => length);
  expect(lengths.filter((length) => length > MI).map((length) => Math.floor(length / MI))).toEqual([20, 20]);
  expect(lengths.length - 1).toBe(4002);
  expect(said).toMatch(/kube +o +4,004 +4,002 +0 +2 +0/);
});
