import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { ask, type RealReceiver } from './real-receiver.ts';
import { contentName, linesOf } from './witness.ts';

/** The counting sink of the test harness. `folder`: its source, which needs Go to be built. */
export async function startSink(folder: string): Promise<RealReceiver> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-sink-'));
  const program = join(directory, 'sink');
  const dump = join(directory, 'bodies');
  execFileSync('go', ['build', '-o', program, './cmd/sink'], { cwd: folder });
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const child = spawn(program, ['-addr', address, '-dump', dump], { stdio: 'ignore' });
  await answers(url, child);
  return {
    async prepare() {
      await ask('POST', `${url}/reset`);
      writeFileSync(dump, '');
      return { type: 'http', url: `${url}/ingest`, timeout: '5s' };
    },
    /** It keeps its account in memory, so it is not ended but stopped: connections hang, as with a stuck machine. */
    async outage(ms) {
      child.kill('SIGSTOP');
      await sleep(ms);
      child.kill('SIGCONT');
    },
    async held() {
      const { distinct, duplicates } = await ask('GET', `${url}/stats`);
      const names = new Set(linesOf(readFileSync(dump)).map(contentName));
      const stored = Number(distinct) + Number(duplicates);
      return { names, stored };
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const up = await ask('GET', url).then(
      () => true,
      () => false,
    );
    if (up) return;
    await sleep(50);
  }
  throw new Error(`the sink ended with ${child.exitCode}`);
}
