// Where the benchmarks run shippers, one after the other or side by side, and the receiver that those send to.
import { mkdirSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busySeconds } from '../machine.ts';
import { Receiver } from './receiving.mjs';
import { start } from './running.mjs';

const STALL_MS = 20_000;
/** All but the last batch, which is not full and waits for whatever the shipper has set. */
export const MOST = 0.99;

export class Stand {
  #directory;
  #receiver;
  #runs = 0;
  /** What is to be ended, whatever happens. */
  #started = new Set();
  /** CPU-seconds of the shippers that have been ended during a measurement. */
  #spent = 0;

  constructor(directory, receiver) {
    this.#directory = directory;
    this.#receiver = receiver;
  }

  static async open(directory) {
    return new Stand(directory, await Receiver.open());
  }

  get directory() {
    return this.#directory;
  }

  get receiver() {
    return this.#receiver;
  }

  async close() {
    await Promise.all([...this.#started].map((one) => one.stop()));
    this.#receiver.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Takes a measurement: what `measuring` gives or the error it ends with, and what share of the processors others took meanwhile. */
  async measured(measuring) {
    const before = { at: performance.now(), busy: busySeconds(), own: this.#ownSeconds() };
    this.#spent = 0;
    let outcome;
    try {
      outcome = { value: await measuring() };
    } catch (error) {
      outcome = { error };
    }
    const own = this.#ownSeconds() - before.own + this.#spent;
    const all = ((performance.now() - before.at) / 1000) * cpus().length;
    return { ...outcome, others: Math.max(0, (busySeconds() - before.busy - own) / all) };
  }

  /** CPU of the receiver and of this process. */
  #ownSeconds() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6 + this.#receiver.cpuSeconds;
  }

  /** Starts a shipper over a log that `prepare` makes. */
  begin(shipper, settings, prepare) {
    this.#runs += 1;
    const place = join(this.#directory, `run-${this.#runs}`);
    mkdirSync(join(place, 'log'), { recursive: true });
    const log = join(place, 'log', 'audit.log');
    prepare(log);
    const running = start(shipper, place, { ...settings, log, port: this.#receiver.port });
    this.#started.add(running);
    return { log, running };
  }

  async end(running) {
    this.#spent += running.usage().cpuSeconds;
    await running.stop();
    this.#started.delete(running);
    rmSync(running.directory, { recursive: true, force: true });
  }

  /** Runs a shipper, gives what `during` gives, and ends it. */
  async run(shipper, settings, prepare, during) {
    const { log, running } = this.begin(shipper, settings, prepare);
    try {
      return await during(log, running);
    } finally {
      await this.end(running);
    }
  }

  /**
   * Waits until so many lines have come, each counted `copies` times; `startSeconds` is the CPU
   * until the first of them had, `mostAt` when all but the last hundredth had (performance.now).
   */
  async arrived(lines, running, copies = 1) {
    let last = { events: 0, at: performance.now() };
    let startSeconds = null;
    let mostAt = null;
    while (true) {
      const stats = await this.#receiver.stats();
      if (stats.events > 0) startSeconds ??= running.usage().cpuSeconds;
      if (stats.distinct >= lines * MOST && stats.events >= lines * copies * MOST) mostAt ??= performance.now();
      if (stats.distinct >= lines && stats.events >= lines * copies) return { ...stats, startSeconds, mostAt };
      if (stats.events > last.events) last = { events: stats.events, at: performance.now() };
      if (!running.alive || performance.now() - last.at > STALL_MS) {
        throw new Error(`${running.shipper.name}: ${stats.distinct} of ${lines} lines came\n${running.words}`);
      }
      await sleep(10);
    }
  }
}
