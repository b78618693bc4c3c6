import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { idOf, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

it('each output reads a backlog in its own order, and all of it', async () => {
  const directory = temporaryDirectory();
  const writer = new WriterOnDisk(join(directory, 'log'));
  for (let backup = 0; backup < 3; backup += 1) {
    writer.write(100);
    writer.rotate();
  }
  writer.write(100);
  const config = join(directory, 'auditail.yaml');
  const output = (order: string) => ({ name: order, type: 'file', path: join(directory, order), order });
  const outputs = ['oldest-first', 'live-first'].map(output);
  const sources = [{ name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } }];
  const stateDirectory = join(directory, 'state');
  writeFileSync(config, JSON.stringify({ stateDirectory, sources, outputs, telemetry: { listen: 'off' } }));
  await run(process.execPath, [BUNDLE, 'ship', '--config', config]);
  const written = (order: string) => readFileSync(join(directory, order), 'utf8').trimEnd().split('\n').map(idOf);
  const ids = writer.lines.map(idOf);
  expect(written('oldest-first')).toEqual(ids);
  expect(written('live-first')).toEqual([...ids.slice(300), ...ids.slice(0, 300)]);
});
