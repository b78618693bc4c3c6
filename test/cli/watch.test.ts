import http from 'node:http';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { watch } from '../../src/cli/watch.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';
import { auditail, FakeTerminal } from './fake-terminal.ts';

/** A terminal that can be drawn on, and that stops the watch after so many frames. */
class LiveTerminal extends FakeTerminal {
  override readonly isLive: boolean;
  readonly frames: string[] = [];
  readonly #enough: (frames: number) => void;

  constructor(isLive: boolean, enough: (frames: number) => void) {
    super();
    this.isLive = isLive;
    this.#enough = enough;
  }

  override draw(text: string): void {
    this.frames.push(text);
    this.#enough(this.frames.length);
  }

  override print(text: string): void {
    super.print(text);
    this.#enough(this.out.split('\n').length);
  }

  override complain(text: string): void {
    super.complain(text);
    this.#enough(99);
  }
}

/** A state directory on whose socket this status is told. */
async function toldBy(status: (asked: number) => AgentStatus): Promise<string> {
  const directory = temporaryDirectory();
  let asked = 0;
  const server = http.createServer((_request, response) => response.end(JSON.stringify(status((asked += 1)))));
  await new Promise<void>((resolve) => server.listen(path.join(directory, 'agent.sock'), resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return directory;
}

async function watched(stateDirectory: string, isLive: boolean, frames: number): Promise<LiveTerminal> {
  const stopping = new AbortController();
  const terminal = new LiveTerminal(isLive, (count) => {
    if (count >= frames) stopping.abort(new Error('enough'));
  });
  await watch(terminal, { stateDirectory, intervalMs: 1, signal: stopping.signal });
  return terminal;
}

it('draws frame over frame, and gives the terminal back as it was', async () => {
  const directory = await toldBy(() => STATUS);
  const { frames } = await watched(directory, true, 4);
  expect(frames[0]).toBe('\u001b[?7l\u001b[H\u001b[J');
  expect(frames.at(-1)).toBe('\u001b[?7h');
  const drawn = frames.slice(1, -1);
  expect(drawn.length).toBeGreaterThanOrEqual(2);
  for (const frame of drawn) {
    expect(frame.startsWith('\u001b[H')).toBe(true);
    expect(frame).toContain('kube-apiserver  search  retrying');
  }
});

it('no event, name or word of a server reaches the terminal as an escape code', async () => {
  const hostile = '\u001b]0;owned\u0007\u001b[2J\u202e<b>\r\nforged line';
  const pipeline = {
    ...PIPELINE,
    output: hostile,
    words: hostile,
    lastError: { at: STATUS.startedAt, reason: 'x', words: hostile },
  };
  const source = { ...STATUS.sources[0]!, name: hostile, origin: hostile, readable: false, words: hostile };
  const directory = await toldBy(() => ({ ...STATUS, version: hostile, sources: [source], pipelines: [pipeline] }));
  const live = await watched(directory, true, 3);
  // oxlint-disable-next-line no-control-regex -- the codes it draws with
  const own = /\u001b\[(?:\?7[lh]|[HJK])/g;
  const rest = live.frames.join('').replaceAll(own, '').replaceAll('\r\n', '');
  expect(rest).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(rest).toContain('\\x1b]0;owned');
  const plain = await watched(directory, false, 2);
  expect(plain.out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

it('draws no more than fits', async () => {
  const many = Array.from({ length: 200 }, (_, at) => ({ ...PIPELINE, output: `o${at}`, words: 'x'.repeat(500) }));
  const directory = await toldBy(() => ({ ...STATUS, pipelines: many }));
  const { frames } = await watched(directory, true, 2);
  // oxlint-disable-next-line no-control-regex -- the codes it draws with
  const lines = (frames[1] as string).replaceAll(/\u001b\[[HJK]/g, '').split('\r\n');
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
});

it('waits for an agent that is not there', async () => {
  const terminal = await watched(temporaryDirectory(), false, 1);
  expect(terminal.error).toMatch(/^No agent runs on .*; waiting for one\.\n$/);
});

it('prints a line for each pipeline where nothing can be drawn again', async () => {
  const directory = await toldBy((asked) => ({
    ...STATUS,
    pipelines: [{ ...PIPELINE, totals: { ...PIPELINE.totals, readEvents: asked * 1000 } }],
  }));
  const { out } = await watched(directory, false, 2);
  expect(out).toMatch(
    /^\S+Z {2}search \(kube-apiserver\) {2}retrying {2}[\d,]+ events\/s {2}.* behind 4\.8 MiB, 43s {2}deadline 1h 30m/,
  );
});

it('refuses what makes no sense together', async () => {
  expect(await auditail(['status', '--watch', '--json'])).toMatchObject({ exit: 2 });
  expect(await auditail(['status', '--watch', '--interval', '1ms'])).toMatchObject({ exit: 2 });
});
