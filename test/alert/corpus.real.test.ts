import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdDecompress } from 'node:zlib';
import { expect, test } from 'vitest';
import { AlertReplay } from '../../src/inspect/alert-replay.ts';
import { openAlertRules } from '../../src/inspect/alert-rules.ts';
import { EventWalk } from '../../src/inspect/event-walk.ts';
import { RecordedLog } from '../../src/inspect/recorded-log.ts';
import { shared } from '../support/shared.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const corpus = shared('corpus/mixed.log.zst');

test.skipIf(corpus === undefined)(
  'the pack tells on three minutes of every kind of load what the documentation lists, and nothing else',
  async () => {
    const path = join(temporaryDirectory(), 'mixed.log');
    const zstd = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } });
    await pipeline(createReadStream(corpus as string), zstd, createWriteStream(path));
    const { rules } = openAlertRules({ rules: [join(REPOSITORY, 'config/alerts')], overrides: {} });
    const run = new AlertReplay(rules, { groups: 10_000, values: 1000, toleranceMs: 30_000 });
    const log = new RecordedLog({ files: [path], stdin: () => process.stdin, maxLineBytes: 2 ** 26 });
    const walk = new EventWalk();
    for await (const block of log.blocks()) walk.walk(block, (event, where) => run.see(event, where));

    const told = run.told.filter(({ notification }) => notification.status === 'firing');
    const counts = Object.groupBy(told, ({ notification }) => notification.rule);
    const page = readFileSync(join(REPOSITORY, 'docs/alerts.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(([, rule, count]) => [rule, Number(count)]);
    expect(listed.length).toBeGreaterThan(10);
    expect(Object.fromEntries(Object.entries(counts).map(([rule, all]) => [rule, all?.length]))).toEqual(
      Object.fromEntries(listed),
    );
    expect(run.failures).toBe(0);
  },
);
