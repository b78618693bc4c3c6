import { execFile } from 'node:child_process';

/** Runs a shell script to its end. Its failure tells what it said: the scripts of the servers explain themselves. */
export function runScript(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('bash', [path, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`${path} failed:\n${stdout.slice(-2000)}${stderr.slice(-2000)}`, { cause: error }));
    });
  });
}
