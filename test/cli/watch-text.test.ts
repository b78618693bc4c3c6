import { expect, it } from 'vitest';
import { sparkLine } from '../../src/cli/spark-line.ts';
import { watchLines } from '../../src/cli/watch-text.ts';
import { StatusHistory } from '../../src/inspect/status-history.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';

const NOW = Date.parse('2026-11-23T07:30:00Z');

it('shows source and output with rate, lag, deadline and the last error', () => {
  const history = new StatusHistory();
  for (const [at, readEvents] of [0, 100, 300, 350].entries()) {
    const totals = { ...PIPELINE.totals, readEvents, readBytes: readEvents * 1000 };
    history.add({ ...STATUS, pipelines: [{ ...PIPELINE, totals, lagBytes: at * 1000 }] }, NOW + at * 1000);
  }
  const lines = watchLines(STATUS, history, NOW);
  expect(lines.map(({ text }) => text).join('\n')).toMatchInlineSnapshot(`
    "2026-11-23T07:30:00Z  auditail 1.2.3, process 4711, up 1h 30m, 1.9 MiB of 96.0 MiB in memory

    source            written    bytes  files  rotations   pinned  log
    kube-apiserver  1.7 MiB/s  286 MiB      4         12  191 MiB  /var/log/kubernetes/audit/audit.log

    source          output  state      behind  age  deadline  lost  set aside  events/s  rate          lag            bytes/s  in flight  retries
    kube-apiserver  search  retrying  4.8 MiB  43s    1h 30m     6         15        50           ▅█▃           ▃▆█  48.8 KiB          2        7

    last errors
    search (kube-apiserver), 1m ago: refused: connect ECONNREFUSED 127.0.0.1:9200"
  `);
  expect(lines.filter(({ tone }) => tone === 'red').map(({ text }) => text.slice(0, 30))).toMatchInlineSnapshot(`
    [
      "kube-apiserver  search  retryi",
    ]
  `);
});

it('a spark line is as wide as it is asked to be, and shows that little is not nothing', () => {
  expect(sparkLine([0, 1, 500, 1000], 6)).toBe('  ▁▂▅█');
  expect(sparkLine([1, 2, 3, 4], 2)).toBe('▆█');
  expect(sparkLine([], 3)).toBe('   ');
  expect(sparkLine([0, 0], 2)).toBe('▁▁');
});
