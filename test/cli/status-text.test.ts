import { expect, it } from 'vitest';
import { progressLine, summarise } from '../../src/cli/ship-progress.ts';
import { describeEntry, describeStatus, describeStored } from '../../src/cli/status-text.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';

const NOW = Date.parse('2026-11-23T07:30:00Z');

it('shows a running agent: sources, pipelines, the balance, and what is worth a word', () => {
  expect(describeStatus(STATUS, NOW)).toMatchInlineSnapshot(`
    "auditail 1.2.3, process 4711, up 1h 30m, 1.9 MiB of 96.0 MiB in memory, state in /var/lib/auditail

    source            written    bytes  files  rotations   pinned  log
    kube-apiserver  1.7 MiB/s  286 MiB      4         12  191 MiB  /var/log/kubernetes/audit/audit.log

    source          output  state      behind  age  deadline  in flight  retries  last delivered
    kube-apiserver  search  retrying  4.8 MiB  43s    1h 30m          2        7  2026-11-23T07:00:00.000Z

    source          output  events read  delivered  filtered  set aside  lost  losses of log
    kube-apiserver  search        1,000        700       280         15     5              1

    source kube-apiserver: dealt with torn 1

    output search (kube-apiserver): retrying: refused: connect ECONNREFUSED 127.0.0.1:9200
    output search (kube-apiserver): 250 filtered (leases)
    output search (kube-apiserver): 30 filtered (keep)
    output search (kube-apiserver): 15 set aside (mapper_parsing_exception)
    output search (kube-apiserver): 5 lost (too-old)
    output search (kube-apiserver): 1 loss record (gap); see auditail status --ledger

    output search: 15 events set aside, 39.6 KiB of 256 MiB; see auditail dead-letter list"
  `);
});

it('shows where a stopped agent stood', () => {
  const checkpoint = {
    output: 'search',
    destination: 'elasticsearch http://127.0.0.1:9200 audit',
    source: 'kube-apiserver',
    origin: '/var/log/audit.log',
    filter: 'none',
    segments: [
      {
        id: 'a',
        name: 'audit-2026-11-23T04-45-26.969.log',
        settled: 100,
        done: true,
        marks: [],
        counts: PIPELINE.totals,
      },
      { id: 'b', name: 'audit.log', settled: 42, done: false, marks: [], counts: PIPELINE.totals },
    ],
    window: [],
    rotations: [],
    totals: PIPELINE.totals,
    losses: 1,
    writtenAt: '2026-11-23T07:00:00.000Z',
  };
  expect(describeStored([{ output: 'search', source: 'kube-apiserver', checkpoint }])).toMatchInlineSnapshot(`
    "source          output  destination                                stands at     written
    kube-apiserver  search  elasticsearch http://127.0.0.1:9200 audit  audit.log:42  2026-11-23T07:00:00.000Z

    source          output  events read  delivered  filtered  set aside  lost  losses of log
    kube-apiserver  search        1,000        700       280         15     5              1"
  `);
  const waiting = { id: 'c', name: 'audit-2026-11-23T03-00-00.000.log', settled: 0, done: false, marks: [] };
  const segments = [{ ...waiting, counts: PIPELINE.totals }, ...checkpoint.segments];
  const stored = [{ output: 'search', source: 'kube-apiserver', checkpoint: { ...checkpoint, segments } }];
  expect(describeStored(stored)).toContain(' audit.log:42, and 1 older ');
  expect(describeStored([])).toBe('Nothing was shipped from here yet.');
});

it('shows the lines of the ledger', () => {
  const segment = {
    type: 'segment' as const,
    source: 'api',
    segment: 'a',
    name: 'audit-2026-11-23T04-45-26.969.log',
    bytes: 1_000_000,
    counts: PIPELINE.totals,
    settledAt: '2026-11-23T05:00:00.000Z',
  };
  expect(describeEntry('search', segment)).toMatchInlineSnapshot(
    `"2026-11-23T05:00:00.000Z  search  api  audit-2026-11-23T04-45-26.969.log  1,000,000 bytes: 1,000 read, 700 delivered, 250 filtered (leases), 30 filtered (keep), 15 set aside (mapper_parsing_exception), 5 lost (too-old)"`,
  );
  const event = { auditID: '6b5e', stage: 'ResponseComplete', time: '2026-11-23T04:45:26.969000Z' };
  const gap = {
    type: 'loss' as const,
    source: 'api',
    at: '2026-11-23T05:00:00.000Z',
    reason: 'gap' as const,
    proof: 'certain' as const,
  };
  expect(
    describeEntry('search', { ...gap, words: 'two files vanished', after: event, before: event }),
  ).toMatchInlineSnapshot(`
    "2026-11-23T05:00:00.000Z  search  api  LOST (gap, certain): two files vanished
        after  2026-11-23T04:45:26.969000Z  6b5e ResponseComplete
        before 2026-11-23T04:45:26.969000Z  6b5e ResponseComplete"
  `);
  const part = {
    ...gap,
    reason: 'deleted' as const,
    name: 'audit.log',
    from: 10,
    to: 90,
    words: 'deleted before it was read',
  };
  expect(describeEntry('search', part)).toMatchInlineSnapshot(
    `"2026-11-23T05:00:00.000Z  search  api  LOST (deleted, certain)  audit.log bytes 10 to 90: deleted before it was read"`,
  );
});

it('shows what became of a notification of the alert rules', () => {
  const entry = {
    type: 'notification',
    source: 'api',
    receiver: 'pager',
    id: '0123456789abcdef0123456789abcdef',
    rule: 'exec-into-pod',
    severity: 'high',
    status: 'firing',
    count: 1,
    at: '2026-11-23T05:00:00.000Z',
  } as const;
  expect(describeEntry('alerts', entry)).toMatchInlineSnapshot(
    `"2026-11-23T05:00:00.000Z  alerts  api  told pager: exec-into-pod, high, firing, after 1 event  notification 0123456789abcdef0123456789abcdef"`,
  );
  expect(describeEntry('alerts', { ...entry, count: 3, setAside: 'gave-up' })).toMatchInlineSnapshot(
    `"2026-11-23T05:00:00.000Z  alerts  api  SET ASIDE for pager (gave-up): exec-into-pod, high, firing, after 3 events  notification 0123456789abcdef0123456789abcdef"`,
  );
});

it('shows how far a run to the end has come, and what became of it all', () => {
  const running = { ...STATUS, pipelines: [{ ...PIPELINE, lagBytes: 1_000_000 }] };
  expect(progressLine(running, 2, 0)).toMatchInlineSnapshot(
    `"[############------------]  50 %  977 KiB of 1.9 MiB  488 KiB/s  2s left  search: retrying (connect ECONNREFUSED 127.0.0.1:9200)"`,
  );
  const idle = { ...STATUS, pipelines: [{ ...PIPELINE, state: 'idle' as const, lagBytes: 0 }] };
  expect(progressLine(idle, 0, 0)).toMatchInlineSnapshot(
    `"[########################] 100 %  977 KiB of 977 KiB  0 B/s"`,
  );
  expect(summarise(STATUS)).toMatchInlineSnapshot(`
    "source          output  events read  delivered  filtered  set aside  lost  losses of log
    kube-apiserver  search        1,000        700       280         15     5              1"
  `);
});
