import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Ended, ended } from '../cli/program-files.ts';
import { REPOSITORY } from './source-files.ts';

export interface SystemdMachineOptions {
  /** Units and drop-ins by their paths below /etc/systemd/system. */
  readonly units: Readonly<Record<string, string>>;
  /** What is seen inside, by its path there: files and directories of this machine. */
  readonly binds: Readonly<Record<string, string>>;
}

/** Targets that units name, as a distribution has them; nothing hangs on them here. */
const TARGETS = ['basic', 'sysinit', 'shutdown', 'sockets', 'multi-user', 'network-online'];
const MACHINE = `[Unit]
DefaultDependencies=no
Wants=systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket
`;

/** Why there can be no such machine here; empty where there can. */
export function noSystemdMachine(): string {
  try {
    accessSync('/lib/systemd/systemd');
    if (process.geteuid?.() !== 0) return 'only root may start one';
    execFileSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', '--cgroup', 'true'], { stdio: 'ignore' });
    return / cgroup2 rw/.test(readFileSync('/proc/mounts', 'utf8')) ? '' : 'there are no control groups';
  } catch {
    // The answer.
    return 'there is no systemd, or no way to start one';
  }
}

/** A machine with systemd as its first process, on which units are tried as they are. See systemd-machine.sh. */
export class SystemdMachine {
  readonly #scratch = mkdtempSync(join(tmpdir(), 'auditail-machine-'));
  readonly #script: ChildProcess;
  #init = 0;

  private constructor({ units, binds }: SystemdMachineOptions) {
    const [root, folder] = [join(this.#scratch, 'root'), join(this.#scratch, 'units')];
    mkdirSync(root);
    const targets = Object.fromEntries(TARGETS.map((name) => [`${name}.target`, '[Unit]\n']));
    for (const [name, text] of Object.entries({ ...targets, 'machine.target': MACHINE, ...units })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const lines = Object.entries(binds).map(([inside, outside]) => `${outside}\t${inside}`);
    this.#script = spawn('bash', [join(REPOSITORY, 'test/support/systemd-machine.sh'), root, folder], {
      env: { ...process.env, BINDS: lines.join('\n') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  static async start(options: SystemdMachineOptions): Promise<SystemdMachine> {
    const machine = new SystemdMachine(options);
    const gone = once(machine.#script, 'close').then(() => Promise.reject(new Error('systemd did not start')));
    gone.catch(() => undefined);
    const [pid] = await Promise.race([once(machine.#script.stdout as NodeJS.ReadableStream, 'data'), gone]);
    machine.#init = Number(String(pid));
    await machine.until(
      'systemd to be up',
      async () => (await machine.systemctl('is-active', 'machine.target')).code === 0,
    );
    return machine;
  }

  /** Runs a program inside. */
  run(...command: readonly string[]): Promise<Ended> {
    return ended(['nsenter', '-t', `${this.#init}`, '-m', '-p', '-C', '-u', '-i'], command);
  }

  systemctl(...args: readonly string[]): Promise<Ended> {
    return this.run('systemctl', '--no-pager', ...args);
  }

  /** A property of a unit, such as `MainPID`. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.systemctl('show', '--value', '-p', name, unit)).out.trim();
  }

  async journal(unit: string): Promise<string> {
    return (await this.run('journalctl', '--no-pager', '-o', 'cat', '-u', unit)).out;
  }

  /** Where a file of the machine is found from outside. */
  path(inside: string): string {
    return `/proc/${this.#init}/root${inside}`;
  }

  /** Puts a file or directory of this machine into that one. */
  copy(outside: string, inside: string): void {
    cpSync(outside, this.path(inside), { recursive: true });
  }

  async until(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`waited ${seconds} s for: ${what}`);
  }

  async stop(): Promise<void> {
    if (this.#script.exitCode === null) {
      this.#script.stdin?.end();
      await once(this.#script, 'close');
    }
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}
