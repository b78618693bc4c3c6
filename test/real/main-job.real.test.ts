import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../src/state/ledger-entry.ts';
import { total } from '../../src/state/counts.ts';
import { startLoki } from '../support/real-loki.ts';
import { startOpenSearch } from '../support/real-opensearch.ts';
import type { RealReceiver } from '../support/real-receiver.ts';
import { startSink } from '../support/real-sink.ts';
import { shared } from '../support/shared.ts';
import { hasGo } from '../support/tool.ts';
import { BACKUPS, BATCH, type Result, run, type Run, type RunOptions } from './run.ts';

/*
 * The main job on real input: a real API server under load rotates its log as fast as it can be told to (1 MB, two
 * backups), and each event it wrote must be in a real receiver. By default a run for every row and every column of the
 * table; AUDITAIL_REAL=all runs each cell.
 */
const RECEIVERS = {
  sink: { folder: 'harness', start: startSink, copiesAreStored: true },
  Loki: { folder: 'servers/loki', start: startLoki, copiesAreStored: true },
  OpenSearch: { folder: 'servers/opensearch', start: startOpenSearch, copiesAreStored: false },
} as const;

const OUTAGE_MS = 30_000;

/** Bursts of lines as large as a file leave one for less time than a restart takes: what is then lost is no fault. */
const STORIES = {
  quiet: { seconds: 15, perSecond: 0, mix: 'mixed', disturb: async () => undefined, mayRepeat: 0 },
  'with the agent killed': { seconds: 25, perSecond: 80, mix: 'meta', disturb: killTwice, mayRepeat: 2 },
  'with the receiver stopped for 30 s': {
    seconds: 45,
    perSecond: 150,
    mix: 'mixed',
    disturb: stopReceiver,
    mayRepeat: 0,
  },
  'with the API server restarted': { seconds: 30, perSecond: 150, mix: 'mixed', disturb: restartServer, mayRepeat: 0 },
} as const;

type ReceiverName = keyof typeof RECEIVERS;
type StoryName = keyof typeof STORIES;
type Cell = readonly [receiver: ReceiverName, story: StoryName, compress: boolean];

const ALL: readonly Cell[] = (Object.keys(RECEIVERS) as ReceiverName[]).flatMap((receiver) =>
  (Object.keys(STORIES) as StoryName[]).flatMap((story) =>
    [false, true].map((compress): Cell => [receiver, story, compress]),
  ),
);
const COVER: readonly Cell[] = [
  ['sink', 'quiet', true],
  ['sink', 'with the agent killed', false],
  ['sink', 'with the receiver stopped for 30 s', true],
  ['Loki', 'with the agent killed', true],
  ['Loki', 'with the receiver stopped for 30 s', false],
  ['OpenSearch', 'with the agent killed', true],
  ['OpenSearch', 'with the API server restarted', false],
];
const cells = process.env['AUDITAIL_REAL'] === 'all' ? ALL : COVER;

const apiServer = shared('servers/kube-apiserver');

for (const [receiverName, { folder, start, copiesAreStored }] of Object.entries(RECEIVERS)) {
  const scripts = start === startSink && !hasGo() ? undefined : shared(folder);
  const absent = [scripts === undefined ? receiverName : '', apiServer === undefined ? 'API server' : ''].filter(
    Boolean,
  );
  const title = `every event of a real API server reaches a real ${receiverName}`;
  const skipped = absent.length === 0 ? '' : ` (skipped: there is no ${absent.join(' and no ')} to start)`;

  describe.skipIf(skipped !== '')(`${title}${skipped}`, () => {
    let receiver: Promise<RealReceiver> | undefined;
    afterAll(async () => (await receiver)?.stop());

    let runs = 0; // a second try is a run of its own: the receiver still has what the first one sent
    const own = cells.filter(([name]) => name === receiverName);
    test.each(own)('%s, %s, compressed backups: %s', async (_, storyName, compress) => {
      receiver ??= start(scripts ?? '');
      const story = STORIES[storyName];
      const options: RunOptions = {
        folder: apiServer ?? '',
        name: `run-${runs++}`,
        receiver: await receiver,
        compress,
        seconds: story.seconds,
        perSecond: story.perSecond,
        mix: story.mix,
      };
      const result = await run(options, (running) => story.disturb(running, options));
      process.stderr.write(`${receiverName}, ${storyName}, ${compress ? 'gzip' : 'plain'}: ${summary(result)}\n`);

      expect(result.written.length).toBeGreaterThan(500);
      expect(
        result.seen.files.length,
        'files of the log: enough rotations to delete what is slow to be read',
      ).toBeGreaterThan(4);
      expect(missingLines(result)).toEqual([]);
      expect(result.foreign).toBe(0);
      expect(losses(result.ledger)).toEqual([]);
      expect(result.exitCode).toBe(0);

      const { totals } = result.pipeline;
      expect(totals.delivered).toBe(result.written.length);
      expect(totals.readEvents).toBe(result.written.length);
      expect(total(totals.deadLettered) + total(totals.filtered) + total(totals.lost)).toBe(0);

      // What was in flight at each kill; and a receiver that hangs may have taken each try that it did not answer in time.
      const triesAgain = story.mayRepeat * BATCH.maxInFlight + result.pipeline.retries;
      expect(result.copies).toBeLessThanOrEqual(copiesAreStored ? triesAgain * BATCH.maxEvents : 0);
    });
  });
}

/** kill -9, and a start at once, as a supervisor does; then once more at another point. */
async function killTwice({ agent }: Run): Promise<void> {
  for (const pause of [4000, 7000]) {
    await sleep(pause);
    await agent.kill();
    agent.start();
  }
}

async function stopReceiver(_: Run, { receiver }: RunOptions): Promise<void> {
  await sleep(3000);
  await receiver.outage(OUTAGE_MS);
}

async function restartServer(running: Run): Promise<void> {
  await sleep(8000);
  await running.restartServer();
}

function losses(ledger: readonly LedgerEntry[]): readonly LedgerEntry[] {
  return ledger.filter(({ type }) => type === 'loss');
}

/** The heads of the first few lines that are missing, for a person to look for. */
function missingLines({ written, missing }: Result): readonly string[] {
  return missing
    .slice(0, 5)
    .map((place) => `${missing.length} missing: ${written[place]?.subarray(0, 200).toString()}`);
}

function summary({ written, seen, missing, foreign, distinct, copies, pipeline }: Result): string {
  // The first file is older than the agent.
  const delays = seen.files
    .slice(1)
    .flatMap(({ bornMs, pinnedMs }) => (pinnedMs === null ? [] : [Math.round(pinnedMs - bornMs)]));
  delays.sort((a, b) => a - b);
  const births = seen.files.map(({ bornMs }) => bornMs);
  const stays = births.slice(BACKUPS + 1).map((bornMs, at) => Math.round(bornMs - (births[at] ?? 0)));
  const unpinned = seen.files.length - 1 - delays.length;
  return JSON.stringify({
    written: written.length,
    bytes: written.reduce((sum, line) => sum + line.length + 1, 0),
    files: seen.files.length,
    missing: missing.length,
    foreign,
    distinct,
    copies,
    duplicatesTold: pipeline.duplicates,
    retries: pipeline.retries,
    pinnedAfterMs: { median: delays[Math.floor(delays.length / 2)], max: delays.at(-1), unpinned },
    shortestStayMs: Math.min(...stays),
    witnessMaxGapMs: seen.maxGapMs,
  });
}
