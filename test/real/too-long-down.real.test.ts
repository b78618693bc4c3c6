import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { EventReference } from '../../src/log/loss.ts';
import type { LossEntry } from '../../src/state/ledger-entry.ts';
import type { RealReceiver } from '../support/real-receiver.ts';
import { startSink } from '../support/real-sink.ts';
import { shared } from '../support/shared.ts';
import { hasGo } from '../support/tool.ts';
import { type Result, run, type Run, type RunOptions } from './run.ts';

/*
 * While the agent is down nobody pins what the API server writes. With two backups of 1 MB a file that came after the
 * agent's end is gone four rotations later: that is lost for good, and the ledger has to say so, all of it and nothing else.
 * Rotations come at an even pace here: where nobody knows the names of the files between two others, only their lives
 * tell whether there were any.
 */
const apiServer = shared('servers/kube-apiserver');
const sink = hasGo() ? shared('harness') : undefined;
const skipped =
  apiServer === undefined || sink === undefined
    ? ' (skipped: there is no API server and sink to start, or no Go to build it)'
    : '';

/** Files made while it is down, of which the youngest three are still there, and whether the backups are compressed. */
const ALL: readonly (readonly [files: number, compress: boolean])[] = [
  [2, false],
  [3, true],
  [4, false],
  [4, true],
  [5, false],
  [7, false],
  [7, true],
];
const COVER = ALL.filter(([files, compress]) => (files === 7) === compress && files > 3 && files !== 5);
const runs = process.env['AUDITAIL_REAL'] === 'all' ? ALL : COVER;

describe.skipIf(skipped !== '')(`an agent that is down for too long on a real API server's log${skipped}`, () => {
  let receiver: Promise<RealReceiver> | undefined;
  afterAll(async () => (await receiver)?.stop());

  test.each(runs)(
    'records what was lost over %i new files, and nothing else; compressed backups: %s',
    async (files, compress) => {
      receiver ??= startSink(sink ?? '');
      let downMs = 0;
      const options: RunOptions = {
        folder: apiServer ?? '',
        name: 'down',
        receiver: await receiver,
        compress,
        seconds: 25,
        perSecond: 0,
        mix: 'meta',
      };
      const result = await run(options, async (running) => {
        downMs = await stayDown(running, files);
      });

      const gaps = gapsIn(result);
      const recorded = result.ledger.filter((entry) => entry.type === 'loss');
      process.stderr.write(
        `down for ${downMs} ms, ${files} new files: ${JSON.stringify({ missing: result.missing.length, gaps, recorded })}\n`,
      );
      if (files > 3) expect(result.missing.length).toBeGreaterThan(0);
      expect(recorded.map(edges)).toEqual(gaps);
      expect(result.foreign).toBe(0);
      expect(result.pipeline.totals.delivered).toBe(result.written.length - result.missing.length);
    },
  );
});

async function stayDown({ agent, witness }: Run, newFiles: number): Promise<number> {
  await sleep(5000);
  await agent.kill();
  const begun = Date.now();
  const files = witness.fileCount;
  while (witness.fileCount < files + newFiles) await sleep(20);
  agent.start();
  return Date.now() - begun;
}

interface Edges {
  readonly after: string;
  readonly before: string;
}

function edges({ after, before }: LossEntry): Edges {
  return { after: nameOf(after), before: nameOf(before) };
}

/** The last event before each run of missing ones, and the first behind it. */
function gapsIn({ written, missing }: Result): readonly Edges[] {
  const gone = new Set(missing);
  return missing
    .filter((place) => !gone.has(place - 1))
    .map((first) => {
      let behind = first;
      while (gone.has(behind)) behind += 1;
      return { after: eventName(written[first - 1]), before: eventName(written[behind]) };
    });
}

function eventName(line: Buffer | undefined): string {
  if (line === undefined) return '';
  const { auditID, stage } = JSON.parse(line.toString()) as EventReference;
  return `${auditID} ${stage}`;
}

function nameOf(reference: EventReference | undefined): string {
  return reference === undefined ? '' : `${reference.auditID} ${reference.stage}`;
}
