import { linkSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Seen, Sighting, WitnessData } from './witness.ts';

/*
 * Looks a thousand times a second and links each file that it has not seen. It knows files by their inode numbers: since
 * it holds a link to each, no number can come back.
 */
const { directory, into, stop } = workerData as WitnessData;
const PACE_MS = 1;
const sightings = new Map<number, Sighting>();
const pins = new Set<string>();
let maxGapMs = 0;

let lookedAt = Date.now();
while (Atomics.wait(stop, 0, 0, PACE_MS) === 'timed-out') {
  const now = Date.now();
  maxGapMs = Math.max(maxGapMs, now - lookedAt);
  lookedAt = now;
  look();
  lookAtPins(now);
}
look();
const seen: Seen = { files: [...sightings.values()], maxGapMs };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window's
parentPort?.postMessage(seen);

function look(): void {
  for (const name of names(directory)) if (name.endsWith('.log')) witness(join(directory, name));
}

function witness(path: string): void {
  const facts = statOf(path);
  if (facts === undefined || sightings.has(facts.ino)) return;
  const link = join(into, `${String(sightings.size).padStart(6, '0')}.log`);
  try {
    linkSync(path, link);
  } catch (error) {
    if (isMissing(error)) return; // It was renamed this moment; the next look finds it.
    throw error;
  }
  // The name may have passed to another file between the two calls.
  const { ino, birthtimeMs } = statSync(link);
  if (sightings.has(ino)) unlinkSync(link);
  else sightings.set(ino, { link, bornMs: birthtimeMs, pinnedMs: null });
}

/** When the agent pinned a file: its links lie in folders of their own. */
function lookAtPins(now: number): void {
  const root = join(directory, '.auditail');
  for (const agent of names(root)) {
    for (const name of names(join(root, agent))) {
      const path = join(root, agent, name);
      if (pins.has(path)) continue;
      const sighting = sightings.get(statOf(path)?.ino ?? 0);
      // It may be younger than this look at the log; a compressed one has no sighting ever.
      if (sighting === undefined) continue;
      pins.add(path);
      sighting.pinnedMs ??= now;
    }
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function statOf(path: string): { readonly ino: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
