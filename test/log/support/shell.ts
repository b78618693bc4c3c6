import { execFileSync } from 'node:child_process';

/** Runs a shell command with arguments `$1`, `$2`…; gives what it printed, throws where it failed. */
export function shell(command: string, ...args: readonly string[]): string {
  return execFileSync('sh', ['-c', command, 'sh', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
