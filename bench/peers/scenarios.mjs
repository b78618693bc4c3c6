// What the benchmark does with a shipper in each scenario, and the figures that come of it.
import { closeSync, copyFileSync, linkSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MOST } from './stand.mjs';
import { KEPT, numbered } from './trail.mjs';

const EVENTS_PER_SECOND = 500;
const BACKUPS = 100;
/** Until nobody is busy with its start any more. */
const SETTLING_MS = 10_000;

/** A backlog in one file, until the last line has arrived. `filter`: `leases`, `typical` or none. */
export async function catchUp(stand, shipper, trail, filter, outputs = 1) {
  await stand.receiver.begin({ lines: trail.lines, kept: KEPT[filter] ?? null });
  const begun = performance.now();
  const during = async (_log, running) => {
    const lines = filter === undefined ? trail.lines : trail.kept[filter];
    const stats = await stand.arrived(lines, running, outputs === 1 ? 1 : (shipper.marks ?? 1) * outputs);
    // The last batch is not full, and waits for whatever the shipper has set: with many, a second.
    const seconds = (stats.mostAt - begun) / 1000 / MOST;
    const { cpuSeconds, peakMb } = running.usage();
    return {
      'CPU-s/GB': cpuSeconds / (trail.bytes / 1e9),
      'MB/s': trail.bytes / 1e6 / seconds,
      'of it until the first line, CPU-s': stats.startSeconds,
      'peak RSS, MB': peakMb,
      'sent, MB': stats.wireBytes / 1e6,
      twice: stats.events / (shipper.marks ?? 1) - stats.distinct * outputs,
    };
  };
  return stand.run(shipper, { filter, outputs }, (log) => linkSync(trail.file, log), during);
}

/** A line every two milliseconds; how long each takes from its write to the end of the request that brings it. */
export async function tail(stand, shipper, lines, { seconds, maxDelay }) {
  const count = seconds * EVENTS_PER_SECOND;
  await stand.receiver.begin({ lines: count + 1, timed: true });
  const written = new Float64Array(count + 1);
  const during = async (log, running) => {
    await stand.arrived(1, running);
    await sleep(1500);
    const before = running.usage();
    const file = openSync(log, 'a');
    const begun = performance.now();
    for (let number = 1; number <= count; ) {
      const due = Math.min(count, Math.floor(((performance.now() - begun) * EVENTS_PER_SECOND) / 1000));
      for (; number <= due; number += 1) {
        written[number] = Number(process.hrtime.bigint());
        writeSync(file, `${numbered(lines[number % lines.length], number)}\n`, null, 'latin1');
      }
      await sleep(1);
    }
    closeSync(file);
    await stand.arrived(count + 1, running);
    const after = running.usage();
    const arrivals = await stand.receiver.arrivals();
    const sorted = arrivals
      .map((at, number) => (at - written[number]) / 1e6)
      .subarray(1)
      .toSorted();
    return {
      'p50, ms': sorted[Math.floor(count * 0.5)],
      'p99, ms': sorted[Math.floor(count * 0.99)],
      'CPU, % of a core': ((after.cpuSeconds - before.cpuSeconds) / ((performance.now() - begun) / 1000)) * 100,
      'peak RSS, MB': after.peakMb,
    };
  };
  const first = (log) => writeFileSync(log, `${numbered(lines[0], 0)}\n`, 'latin1');
  return stand.run(shipper, maxDelay === undefined ? {} : { maxDelay }, first, during);
}

/** From the start of the program to its first read of the log, by the file's own time of access, and to the first event that arrives. */
export async function starting(stand, shipper, trail) {
  await stand.receiver.begin({ lines: trail.lines });
  const begun = performance.timeOrigin + performance.now();
  const during = async (log, running) => {
    const { startSeconds, firstAt } = await stand.arrived(1, running);
    const { atimeMs } = statSync(log);
    return {
      // Not to be had where the filesystem is mounted with noatime.
      ...(atimeMs < begun - 10 ? {} : { 'first byte read, ms': atimeMs - begun }),
      'first event received, ms': firstAt - begun,
      'CPU until then, s': startSeconds,
    };
  };
  return stand.run(shipper, {}, (log) => copyFileSync(trail.file, log), during);
}

/** A log with backups beside it. */
function writeBackups(lines, log) {
  for (let backup = 0; backup < BACKUPS; backup += 1) {
    const instant = new Date(Date.UTC(2026, 0, 1) + backup * 1000).toISOString().slice(0, -1).replaceAll(':', '-');
    const line = numbered(lines[backup % lines.length], backup);
    writeFileSync(log.replace('audit.log', `audit-${instant}.log`), `${line}\n`, 'latin1');
  }
  writeFileSync(log, `${numbered(lines[0], BACKUPS)}\n`, 'latin1');
}

/** Nothing comes: all at the same time, since they are in nobody's way then. One set of figures for each, or what went wrong. */
export async function idle(stand, all, lines, seconds) {
  await stand.receiver.begin({ lines: BACKUPS + 1 });
  const begun = all.map((shipper) => stand.begin(shipper, {}, (log) => writeBackups(lines, log)).running);
  try {
    await sleep(SETTLING_MS);
    const before = begun.map((running) => running.usage());
    await sleep(seconds * 1000);
    return begun.map((running, at) => {
      if (!running.alive) return new Error(`${running.shipper.name} has ended: ${running.words}`);
      const after = running.usage();
      const used = after.threadSeconds - before[at].threadSeconds;
      return { 'CPU, % of a core': (used / seconds) * 100, 'RSS, MB': after.rssMb };
    });
  } finally {
    await Promise.all(begun.map((running) => stand.end(running)));
  }
}
