import { setFlagsFromString } from 'node:v8';
import { collectGarbage } from '../pipeline/collect.ts';

/** What tells that the process works, and collects its garbage; real but for tests. */
export interface Machine {
  /** CPU time that the process has used since its start, ms. */
  readonly cpuMs: () => number;
  readonly collect: () => void;
  /** Says that from now on its garbage is collected when it is quiet: nobody else need do that. */
  readonly takeOver: () => void;
}

const LOOK_MS = 10_000;
/** Less than 2 % of a core. */
const QUIET_MS = 200;
/** The pipelines let go of memory after ten seconds: what they leave is to be collected with the rest. */
const QUIET_LOOKS = 2;
/** A collection takes about 80 ms: a twenty-fifth of what came before it. */
const WORK_MS = 2000;

/**
 * Collects garbage once it is quiet after work, and once after the start. V8 itself collects when more is asked for, so
 * what a catch-up has left would stay for as long as nothing happens: 11 MB after a start, 16 MB after 300 MB of log.
 * Gives a function that ends it.
 */
export function collectWhenQuiet(machine: Machine = thisProcess()): () => void {
  machine.takeOver();
  let lookedAt = machine.cpuMs();
  let collectedAt = Number.NEGATIVE_INFINITY;
  let quietLooks = 0;
  const timer = setInterval(() => {
    const now = machine.cpuMs();
    quietLooks = now - lookedAt < QUIET_MS ? quietLooks + 1 : 0;
    lookedAt = now;
    if (quietLooks < QUIET_LOOKS || now - collectedAt < WORK_MS) return;
    machine.collect();
    collectedAt = lookedAt = machine.cpuMs();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function thisProcess(): Machine {
  return {
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    collect: () => collectGarbage('last-resort'),
    // V8 would collect twice more, eight seconds after each of our collections: 100 ms, and a few kB found.
    takeOver: () => setFlagsFromString('--memory-reducer-gc-count=0'),
  };
}
