import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startReceiver } from '../output/support/receiver.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { recordedEvents } from './made-state.ts';

/** Says at the end of a process which modules of Node.js it has loaded. */
const SAY = `data:text/javascript,process.on('exit',()=>process.stderr.write('LOADED '+process.moduleLoadList.join()))`;

it('a trail that goes over plain HTTP brings neither TLS nor HTTP/2 into memory', async () => {
  const folder = temporaryDirectory();
  const log = join(folder, 'audit.log');
  writeFileSync(
    log,
    recordedEvents(20)
      .map((line) => `${line.toString('latin1')}\n`)
      .join(''),
    'latin1',
  );
  await using receiver = await startReceiver(() => ({ status: 200 }));
  const flags = [
    '--audit-log-path',
    log,
    '--state-dir',
    join(folder, 'state'),
    '--output',
    'http',
    '--url',
    receiver.url,
  ];
  const child = spawn(process.execPath, ['--import', SAY, BUNDLE, 'ship', ...flags]);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  expect({ code, requests: receiver.received.length }, said).toEqual({ code: 0, requests: 1 });
  const loaded = /LOADED (.*)/.exec(said)?.[1]?.split(',') ?? [];
  expect(loaded).toContain('NativeModule http');
  const unwanted = ['tls', 'https', 'http2'].map((name) => `NativeModule ${name}`);
  expect(loaded.filter((name) => unwanted.includes(name))).toEqual([]);
});
