import { readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AgentProcess } from '../../src/demo/agent-process.ts';
import { runDemo } from '../../src/demo/demo.ts';
import { waitUntil } from '../../src/demo/wait.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { shownOn } from './shown-on.ts';

const PROGRAM = [process.execPath, BUNDLE];

/** Where os.tmpdir() points to, here and in what is started: a directory of the test's own. */
let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  vi.stubEnv('TMPDIR', directory);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the demo ends with a balance that holds, after a kill and an outage, and leaves nothing behind', {
  timeout: 120_000,
}, async () => {
  const screen = new PassThrough();
  const code = await runDemo({ screen, program: PROGRAM, durationMs: 4000 });
  const shown = shownOn(screen);
  expect(shown).toContain('kill -9');
  expect(shown).toMatch(/Elasticsearch +[\d,]+ +[\d,]+ +0 +0 +0 {3}/);
  expect(shown).toContain('Every event arrived at all three, whole.');
  expect(code).toBe(0);
  expect(readdirSync(directory)).toEqual([]);
});

test('Ctrl-C ends the demo and the agent it has started, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const demo = new AgentProcess({ program: PROGRAM, args: ['demo'] });
  const started = /the agent is started \(process (\d+)\)/;
  await waitUntil(() => started.test(demo.log) || demo.exit !== undefined, {
    progress: () => demo.log.length,
    standstillMs: 30_000,
  });
  const agent = Number(started.exec(demo.log)?.[1]);
  expect(agent, demo.log).toBeGreaterThan(0);
  demo.send('SIGINT');
  expect(await demo.exited, demo.log).toEqual({ code: 130, signal: null });
  expect(() => process.kill(agent, 0)).toThrow('ESRCH');
  expect(readdirSync(directory)).toEqual([]);
});
