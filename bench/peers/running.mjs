// One shipper while it runs: its processes, what they have used, and their end.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { statOf } from '../machine.ts';

const TICKS_PER_SECOND = 100;

/** Starts a shipper in a session of its own. */
export function start(shipper, directory, settings) {
  const state = join(directory, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const place = (name) => join(directory, name);
  const given = { ...settings, state, place };
  for (const [name, text] of Object.entries(shipper.files(given))) writeFileSync(place(name), text);
  const [command, ...words] = shipper.command(given);
  const out = openSync(place('output'), 'w');
  const child = spawn(command, words, {
    detached: true,
    stdio: ['ignore', out, out],
    cwd: directory,
    env: { ...process.env, ...shipper.environment },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.once('error', (error) => writeFileSync(place('error'), String(error)));
  return new Running(shipper, directory, child, ended);
}

class Running {
  constructor(shipper, directory, child, ended) {
    this.shipper = shipper;
    this.directory = directory;
    this.child = child;
    this.ended = ended;
  }

  get alive() {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The last it said. */
  get words() {
    return readFileSync(join(this.directory, 'output'), 'utf8').slice(-1500);
  }

  /** User and system time of its processes, those included that have ended, s; and the most memory of each, summed, MB. */
  usage() {
    let ticks = 0;
    let nanoseconds = 0;
    let peakKb = 0;
    let nowKb = 0;
    for (const pid of this.#processes()) {
      const fields = statOf(pid);
      if (fields === null) continue;
      for (const at of [11, 12, 13, 14]) ticks += Number(fields[at]);
      const status = textOf(`/proc/${pid}/status`);
      peakKb += Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
      nowKb += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
      for (const task of listOf(`/proc/${pid}/task`)) {
        nanoseconds += Number(textOf(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] || 0);
      }
    }
    const cpuSeconds = ticks / TICKS_PER_SECOND;
    // Of threads that live on, and finer than ticks: for one that does next to nothing.
    return { cpuSeconds, threadSeconds: nanoseconds / 1e9, peakMb: (peakKb * 1024) / 1e6, rssMb: (nowKb * 1024) / 1e6 };
  }

  async stop() {
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), 15_000);
    await this.ended;
    clearTimeout(timer);
    this.#signal('SIGKILL');
  }

  /** Its whole group; nobody else is in that. */
  #signal(signal) {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }

  #processes() {
    const group = String(this.child.pid);
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && statOf(name)?.[2] === group);
  }
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function listOf(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
