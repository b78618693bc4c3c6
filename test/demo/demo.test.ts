import { readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runDemo } from '../../src/demo/demo.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { shownOn } from './shown-on.ts';

/** Where os.tmpdir() points to: a directory of the test's own. */
let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  vi.stubEnv('TMPDIR', directory);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Runs the demo with a program that stands in for the agent. */
async function demoWith(script: string, terminal = false): Promise<{ code: number; shown: string }> {
  const screen = Object.assign(new PassThrough(), { isTTY: terminal, columns: 60 });
  const code = await runDemo({
    screen,
    program: [process.execPath, '-e', script],
    durationMs: 300,
    eventsPerSecond: 50,
  });
  return { code, shown: shownOn(screen) };
}

test('an agent that ends by itself fails the demo, which shows its last words and leaves nothing behind', async () => {
  const { code, shown } = await demoWith('console.error("no such option: --config"); process.exitCode = 2');
  expect(code).toBe(1);
  expect(shown).toContain('the agent ended by itself (2)');
  expect(shown).toContain('no such option: --config');
  expect(readdirSync(directory)).toEqual([]);
});

test('on a terminal the picture is drawn in place, no wider than the screen, and the cursor comes back', async () => {
  const { shown } = await demoWith('setTimeout(() => {}, 400)', true);
  expect(shown).toContain('\u001B[?25l');
  expect(shown.lastIndexOf('\u001B[?25h')).toBeGreaterThan(shown.lastIndexOf('\u001B[?25l'));
  expect(shown).toContain('\u001B[6A\u001B[0J');
  // Once the cursor is back nothing is drawn any more.
  expect(shown.slice(shown.indexOf('\u001B[?25h') + 1)).not.toContain('━');
  expect(
    shown
      .split('\n')
      .filter((line) => line.includes('━'))
      .every((line) => line.length <= 80),
  ).toBe(true);
});

test('an agent that cannot be started is said so', async () => {
  const screen = new PassThrough();
  expect(await runDemo({ screen, program: ['/no/such/program'], durationMs: 100 })).toBe(1);
  expect(shownOn(screen)).toContain('/no/such/program: spawn /no/such/program ENOENT');
});
