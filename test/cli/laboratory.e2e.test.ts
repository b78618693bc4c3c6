import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it, onTestFinished } from 'vitest';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EVENTS = new URL('../fixtures/events.log', import.meta.url).pathname;
const LINES = fs.readFileSync(EVENTS);

/** Runs the built program with something on its standard input. */
async function auditail(args: readonly string[], input: readonly Buffer[] = []) {
  const child = spawn(process.execPath, [BUNDLE, ...args]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const ended = once(child, 'close');
  await pipeline(Readable.from(input), child.stdin);
  const [exit] = (await ended) as [number | null];
  return { exit, out, error };
}

it('counts a pipe with broken lines and a line of 20 MB', async () => {
  const large = Buffer.from(
    `{"verb":"large","stageTimestamp":"2026-11-23T05:07:04Z","requestObject":"${'z'.repeat(20_000_000)}"}\n`,
  );
  const input = [LINES, Buffer.from('{"broken\n'), large, LINES];
  const { exit, out, error } = await auditail(['stats', '--by', 'verb', '--top', '1', '-'], input);
  expect({ exit, error }).toEqual({ exit: 0, error: 'no event: 1 piece, 8 B (not-json)\n' });
  expect(out).toContain('121 events');
  expect(out).toMatch(/^large +1 +19\.1 MiB +99\.5 %$/m);
});

it('explains and tests recorded events', async () => {
  const folder = temporaryDirectory();
  const filter = path.join(folder, 'filter.yaml');
  const expectations = path.join(folder, 'expect.yaml');
  fs.writeFileSync(filter, `drop: [{ name: leases, when: 'objectRef.resource == "leases"' }]\n`);
  fs.writeFileSync(
    expectations,
    `expectations: [{ when: 'objectRef.resource == "leases"', dropped: leases, count: 2 }]\n`,
  );
  const explained = await auditail(['explain', '--filter-file', filter, '--rule', 'leases', EVENTS]);
  expect(explained).toMatchObject({ exit: 0, error: '' });
  expect(explained.out.match(/dropped by leases/g)).toHaveLength(2);
  const tested = await auditail(['test', expectations, '--filter-file', filter, '--events', EVENTS]);
  expect(tested).toMatchObject({ exit: 0, error: '', out: expect.stringContaining('1 passed (1)') });
  fs.writeFileSync(expectations, `expectations: [{ when: 'verb == "list"', dropped: leases }]\n`);
  expect(await auditail(['test', expectations, '--filter-file', filter, '--events', EVENTS])).toMatchObject({
    exit: 1,
  });
});

it('ends quietly when its reader has gone', async () => {
  const child = spawn(process.execPath, [BUNDLE, 'explain', ...Array.from({ length: 200 }, () => EVENTS), '--bytes']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let error = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await once(child, 'close');
  expect(error).toBe('');
});
