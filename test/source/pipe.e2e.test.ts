import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../../src/demo/wait.ts';
import { eventLine } from '../pipeline/pipeline-harness.ts';
import { askStatus, BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The built program behind a pipe, over as many starts as a story has. */
function scene() {
  const directory = temporaryDirectory();
  const shipped = join(directory, 'shipped.ndjson');
  const start = (stdin: 'pipe' | number): ChildProcess => {
    const args = ['run', '--stdin', '--state-dir', join(directory, 'state'), '--telemetry-listen', 'off'];
    const child = spawn(process.execPath, [BUNDLE, ...args, '--output', 'file', '--output-path', shipped], {
      stdio: [stdin, 'ignore', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const delivered = () => (existsSync(shipped) ? readFileSync(shipped, 'utf8') : '');
  const comes = async (text: string): Promise<void> => {
    await waitUntil(() => delivered().length >= text.length, {
      progress: () => delivered().length,
      standstillMs: 20_000,
    });
    expect(delivered()).toBe(text);
  };
  /** What is delivered and not settled comes again after a kill. */
  const settled = async (events: number): Promise<void> => {
    const socket = join(directory, 'state/agent.sock');
    while ((await askStatus(socket))?.pipelines[0]?.totals.delivered !== events) await sleep(20);
  };
  const deadLetter = () =>
    execFileSync(process.execPath, [BUNDLE, 'dead-letter', 'list', '--state-dir', join(directory, 'state')], {
      encoding: 'utf8',
    });
  return { directory, start, comes, settled, delivered, deadLetter };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

it('delivers everything and ends with 0 when the pipe is closed, and sets half a line aside', async () => {
  const { start, delivered, deadLetter } = scene();
  const agent = start('pipe');
  agent.stdin?.end(eventLine(1) + eventLine(2) + eventLine(3).slice(0, 40));
  expect(await ended(agent)).toBe(0);
  expect(delivered()).toBe(eventLine(1) + eventLine(2));
  expect(deadLetter()).toMatch(/^file +\S+ +1 /m);
});

it('goes on behind a pipe that is held open: writers and agents come, are killed and come again', async () => {
  const { directory, start, comes, settled, deadLetter } = scene();
  const fifo = join(directory, 'audit.fifo');
  execFileSync('sh', ['-c', 'mkfifo "$0"', fifo]);
  const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(held));
  const write = (text: string) => {
    const writer = openSync(fifo, constants.O_WRONLY);
    writeSync(writer, text);
    closeSync(writer);
  };
  let agent = start(held);
  write(eventLine(1) + eventLine(2).slice(0, 30));
  await comes(eventLine(1));
  // Killed in the middle of a line, the API server begins anew behind what it left.
  write(eventLine(3));
  await comes(eventLine(1) + eventLine(3));
  await settled(2);
  agent.kill('SIGKILL');
  await ended(agent);
  write(eventLine(4));
  agent = start(held);
  await comes(eventLine(1) + eventLine(3) + eventLine(4));
  agent.kill('SIGTERM');
  // What the kill may have taken is suspected, though this time it took nothing.
  expect(await ended(agent)).toBe(3);
  write(eventLine(5));
  agent = start(held);
  await comes(eventLine(1) + eventLine(3) + eventLine(4) + eventLine(5));
  agent.kill('SIGTERM');
  expect(await ended(agent)).toBe(0);
  expect(deadLetter()).toContain('torn');
});
