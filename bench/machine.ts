/** What the benchmarks were run on, and what else kept it busy. Linux only. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const TICKS_PER_SECOND = 100;
const root = fileURLToPath(new URL('..', import.meta.url));

export interface Machine {
  readonly date: string;
  /** The state of the program measured: a commit, or its version where there is no repository around it. */
  readonly commit: string;
  readonly machine: string;
  readonly node: string;
}

export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    // An unpacked archive, or no git: the version is what is known.
    return `version ${version()}, outside of a repository`;
  }
}

export function version(): string {
  return (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }).version;
}

/** What was called to measure, without the place that the log has on this machine. */
export function commandLine(program: string, log: string | undefined): string {
  return [program, ...process.argv.slice(2).map((word) => (word === log ? 'LOG' : word))].join(' ');
}

/** Seconds for which the processors were busy since the machine's start, all of them added up, whoever kept them so (another guest, too). */
export function busySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = line.split(/\s+/).slice(1).map(Number);
  const kinds = [user, nice, system, interrupts, softInterrupts, stolen];
  return kinds.reduce<number>((sum, one) => sum + (one ?? 0), 0) / TICKS_PER_SECOND;
}

/** Seconds, user and system, that a process has used, those of its ended children included; 0 where it is gone. */
export function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid);
  if (fields === null) return 0;
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS_PER_SECOND;
}

/** The fields of /proc/PID/stat from the state on; null where there is no such process any more. */
export function statOf(pid: number | string): readonly string[] | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
