import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export interface Killed {
  readonly directory: string;
  readonly call: number;
  /** The lines that the child wrote before it died. */
  readonly said: readonly string[];
}

/**
 * Runs a program of this folder in an empty directory, again and again, and lets it be killed (SIGKILL) in the first,
 * the second … call of the file system, until it comes to its end; each time `examine` sees what it left. Two run at a
 * time. Gives the number of runs.
 */
export async function killAtEveryCall(
  program: string,
  parent: string,
  examine: (killed: Killed) => Promise<void>,
): Promise<number> {
  const cache = path.join(parent, 'compile-cache');
  let calls = 0;
  let ended = false;
  async function work(name: string): Promise<void> {
    while (!ended) {
      calls += 1;
      const call = calls;
      const directory = path.join(parent, name);
      fs.rmSync(directory, { recursive: true, force: true });
      fs.mkdirSync(directory);
      const { said, killed } = await run(program, directory, call, cache);
      ended ||= !killed;
      await examine({ directory, call, said });
    }
  }
  // A run to the end first: it fills the cache that makes the others start three times as fast.
  fs.mkdirSync(path.join(parent, 'whole'));
  await run(program, path.join(parent, 'whole'), 0, cache);
  await Promise.all([work('a'), work('b')]);
  return calls;
}

function run(
  program: string,
  directory: string,
  call: number,
  cache: string,
): Promise<{ said: string[]; killed: boolean }> {
  const parameters = [path.join(import.meta.dirname, program), directory, String(call)];
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  const child = spawn(process.execPath, parameters, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      const lines = said.split('\n').filter((line) => line !== '');
      if (code === 0 || signal === 'SIGKILL') resolve({ said: lines, killed: signal === 'SIGKILL' });
      else reject(new Error(`${program} ended with ${code ?? signal}`));
    });
  });
}
