import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditail } from './fake-terminal.ts';

const EVENTS = new URL('../fixtures/events.log', import.meta.url).pathname;

function written(name: string, text: string): string {
  const file = path.join(temporaryDirectory(), name);
  fs.writeFileSync(file, text);
  return file;
}

const WATCHES = `drop: [{ name: watches, when: 'verb == "watch"' }]\n`;

it('says what the trail is made of, the most bytes first', async () => {
  const ran = await auditail(['stats', '--by', 'verb,resource', '--top', '2', EVENTS]);
  expect(ran).toMatchInlineSnapshot(`
    {
      "error": "",
      "exit": 0,
      "out": "60 events, 48.8 KiB, from 2026-11-23T05:07:04Z to 2026-11-23T05:07:04Z (0s)

    verb       events     bytes   share
    watch          31  26.5 KiB  54.2 %
    list           27  21.2 KiB  43.4 %
    (1 other)       2   1.2 KiB   2.4 %

    resource                                                        events     bytes   share
    leases.coordination.k8s.io                                           2   1.9 KiB   3.8 %
    validatingadmissionpolicybindings.admissionregistration.k8s.io       2   1.8 KiB   3.6 %
    (31 others)                                                         56  45.2 KiB  92.6 %
    ",
    }
  `);
});

it('says what another filter would save', async () => {
  const ran = await auditail(['stats', '--by', 'rule', '--what-if', written('f.yaml', WATCHES), EVENTS]);
  expect(ran.out).toMatchInlineSnapshot(`
    "60 events, 48.8 KiB, from 2026-11-23T05:07:04Z to 2026-11-23T05:07:04Z (0s)
    delivered now: 60 events (100.0 %), 48.8 KiB (100.0 %)
    what if: 29 events (48.3 %), 22.4 KiB (45.8 %)
    It would save 26.5 KiB (54.2 % of what is delivered now).

    rule         events     bytes   share  delivered
    watches          31  26.5 KiB  54.2 %        0 B
    (delivered)      29  22.4 KiB  45.8 %   22.4 KiB
    "
  `);
  // It is in use already, so another one can only deliver more.
  const now = ['--filter-file', written('f.yaml', WATCHES), '--what-if', written('g.yaml', 'drop: []\n')];
  expect((await auditail(['stats', ...now, EVENTS])).out).toContain('It would cost 26.5 KiB more (118.3 %');
});

it('says what an audit policy would save, by its rules', async () => {
  const policy = written(
    'policy.yaml',
    `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - { level: None, verbs: [watch] }
  - { level: Metadata }
`,
  );
  expect((await auditail(['stats', '--by', 'rule', '--what-if', policy, EVENTS])).out).toMatchInlineSnapshot(`
    "60 events, 48.8 KiB, from 2026-11-23T05:07:04Z to 2026-11-23T05:07:04Z (0s)
    delivered now: 60 events (100.0 %), 48.8 KiB (100.0 %)
    what if: 29 events (48.3 %), 22.4 KiB (45.9 %)
    It would save 26.4 KiB (54.1 % of what is delivered now).

    rule       events     bytes   share  delivered
    policy[0]      31  26.5 KiB  54.2 %        0 B
    policy[1]      29  22.4 KiB  45.8 %   22.4 KiB
    "
  `);
});

it('reads rotated and gzipped backups before the live file', async () => {
  const folder = temporaryDirectory();
  const log = path.join(folder, 'audit.log');
  const events = fs.readFileSync(EVENTS);
  fs.writeFileSync(path.join(folder, 'audit-2026-11-23T01-00-00.000.log.gz'), gzipSync(events));
  fs.writeFileSync(path.join(folder, 'audit-2026-11-23T02-00-00.000.log'), events);
  fs.writeFileSync(log, events);
  const { out } = await auditail(['stats', log, '--backups', '--format', 'json']);
  expect(JSON.parse(out)).toMatchObject({ events: 180, bytes: 3 * (events.length - 60) });
});

const HOSTILE = {
  verb: '__proto__',
  user: { username: '=cmd|"<script>alert(1)</script>\u001b[31m' },
  userAgent: '</svg><img src=x onerror=alert(1)>\u202e',
  stageTimestamp: '2026-11-23T05:07:04Z',
};
const HOSTILE_LINE = Buffer.from(`${JSON.stringify(HOSTILE)}\n`);

it('writes CSV that is no formula and keeps its columns', async () => {
  const { out } = await auditail(['stats', '--format', 'csv', '--by', 'user,verb', '-'], {}, [HOSTILE_LINE]);
  const bytes = HOSTILE_LINE.length - 1;
  expect(out.replaceAll('\r\n', '\n')).toBe(`dimension,value,events,bytes,delivered_bytes
user,"'=cmd|""<script>alert(1)</script>\\x1b[31m",1,${bytes},${bytes}
verb,__proto__,1,${bytes},${bytes}
`);
});

it('writes a page without scripts, and nothing of an event is markup in it', async () => {
  const page = path.join(temporaryDirectory(), 'report.html');
  const filter = written('f.yaml', WATCHES);
  const flags = ['--format', 'html', '--out', page, '--what-if', filter];
  const ran = await auditail(['stats', ...flags, EVENTS, '-'], {}, [HOSTILE_LINE]);
  expect(ran).toEqual({ exit: 0, out: '', error: '' });
  const html = fs.readFileSync(page, 'utf8');
  const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name));
  expect([...tags].sort()).toEqual(
    'body div h1 h2 head html i meta p rect section span style svg table td th title tr'.split(' '),
  );
  expect(html).toContain('&lt;/svg&gt;&lt;img src=x onerror=alert(1)&gt;\\u202e');
  expect(html).not.toMatch(/<[^>]*\s(?:on\w+|src|href)=/i);
  expect(html).not.toMatch(/https?:/);
  expect(html.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  for (const tag of ['section', 'table', 'tr', 'td', 'svg', 'p']) {
    expect(html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length).toBe(html.match(new RegExp(`</${tag}>`, 'g'))?.length);
  }
});

it('prints nothing that a terminal would obey', async () => {
  for (const format of ['table', 'json', 'csv', 'html']) {
    const { out } = await auditail(['stats', '--format', format, '-'], {}, [HOSTILE_LINE]);
    expect(out.replaceAll(/\r?\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});

it('reads a pipe with broken lines, and says what was no event', async () => {
  const ran = await auditail(['stats', '-'], {}, [Buffer.from('{"broken\n'), fs.readFileSync(EVENTS)]);
  expect(ran).toMatchObject({ exit: 0, error: 'no event: 1 piece, 8 B (not-json)\n' });
  expect(ran.out).toContain('60 events');
  expect(await auditail(['stats', '-'])).toEqual({ exit: 0, out: 'No events.\n', error: '' });
});

it('ends with 1 where a file could not be read to its end', async () => {
  const file = path.join(temporaryDirectory(), 'audit.log.gz');
  fs.writeFileSync(file, gzipSync(fs.readFileSync(EVENTS)).subarray(0, 2000));
  expect(await auditail(['stats', file])).toMatchObject({
    exit: 1,
    error: expect.stringContaining('not read to its end'),
  });
  expect((await auditail(['stats', `${file}.x`])).error).toContain('AUD_LOG_UNREADABLE');
});

async function said(...args: readonly string[]): Promise<string> {
  const ran = await auditail(['stats', ...args, EVENTS]);
  expect(ran).toMatchObject({ exit: 2, out: '' });
  return ran.error;
}

it('refuses what makes no sense, with what would', async () => {
  expect(await said('--by', 'verbs')).toContain('Did you mean verb?');
  expect(await said('--by', 'rule')).toContain('--what-if');
  expect(await said('--format', 'xml')).toContain('table, json, csv, html');
  expect(await said('--top', '0')).toContain('--top must be');
  expect(await said('--out', '/nowhere/x')).toContain('cannot be written');
  expect((await auditail(['stats'])).exit).toBe(2);
});
