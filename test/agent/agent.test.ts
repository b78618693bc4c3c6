import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';
import { startReceiver } from '../../src/demo/receiver.ts';
import type { AgentHandle, AgentOptions } from '../../src/inspect/agent-handle.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { eventLine, idOf, until, WriterOnDisk } from '../pipeline/pipeline-harness.ts';

interface Settings {
  readonly outputs: readonly Record<string, unknown>[];
  readonly sources?: readonly Record<string, unknown>[];
  readonly [key: string]: unknown;
}

function setUp() {
  const directory = temporaryDirectory();
  const stateDirectory = join(directory, 'state');
  const writer = new WriterOnDisk(join(directory, 'log'));
  const config = (settings: Settings): Config => {
    const outputs = settings.outputs.map((output) => ({
      batch: { maxDelay: '5ms' },
      retry: { initialDelay: '1ms', maxDelay: '5ms' },
      ...output,
    }));
    const source = { name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } };
    const parsed = configSchema.parse({
      stateDirectory,
      sources: [source],
      telemetry: { listen: 'off' },
      ...settings,
      outputs,
    });
    return { ...parsed, metadata: {} };
  };
  const file = (name: string, more: object = {}) => ({
    name,
    type: 'file',
    path: join(directory, `${name}.out`),
    ...more,
  });
  const delivered = (name: string) => linesOf(join(directory, `${name}.out`));
  const start = async (settings: Settings, mode: AgentOptions['mode'] = 'run'): Promise<AgentHandle> => {
    const agent = await startAgent(config(settings), { mode, logger: pino({ level: 'silent' }), version: '0.0.0' });
    onTestFinished(async () => {
      agent.stop();
      agent.stop();
      await agent.ended;
    });
    return agent;
  };
  return { directory, writer, file, delivered, start };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** A port on which nobody listens. */
const DOWN = 'http://127.0.0.1:9';

describe('an agent', () => {
  it('ships once what is there to all outputs, and ends', async () => {
    const { writer, file, delivered, start } = setUp();
    writer.write(20);
    writer.rotate();
    writer.write(3);
    const agent = await start({ outputs: [file('a'), file('b')] }, 'ship');
    expect(await agent.ended).toEqual({ outcome: 'drained', lost: false });
    expect(delivered('a')).toEqual(writer.lines);
    expect(delivered('b')).toEqual(writer.lines);
    const { pipelines } = agent.status();
    for (const { totals, state } of pipelines) {
      expect(totals).toMatchObject({ readEvents: 23, delivered: 23, readBytes: writer.bytes });
      expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
      expect(state).toBe('stopped');
    }
  });

  it('takes several sources to those outputs that name them', async () => {
    const { directory, writer, file, delivered, start } = setUp();
    const other = new WriterOnDisk(join(directory, 'other'));
    writer.write(2);
    other.raw(eventLine('other'));
    const sources = [
      { name: 'kube', type: 'file', path: writer.path },
      { name: 'other', type: 'file', path: other.path },
    ];
    const agent = await start({ sources, outputs: [file('all'), file('one', { sources: ['other'] })] }, 'ship');
    await agent.ended;
    expect(delivered('all').map(idOf).toSorted()).toEqual(['0', '1', 'other']);
    expect(delivered('one').map(idOf)).toEqual(['other']);
    expect(agent.status().pipelines.map(({ output, source }) => `${output} ${source}`)).toEqual([
      'all kube',
      'all other',
      'one other',
    ]);
  });

  it('holds no output up because another is dead, and ends within the grace', async () => {
    const { writer, file, delivered, start } = setUp();
    writer.write(2);
    const dead = { name: 'dead', type: 'http', url: DOWN };
    const agent = await start({ outputs: [dead, file('a')], shutdownGrace: '50ms' });
    for (let round = 1; round <= 3; round += 1) {
      await until(() => delivered('a').length === 2 * round);
      writer.write(2);
    }
    await until(() => agent.status().pipelines[0]?.state === 'retrying');
    const begun = performance.now();
    agent.stop();
    expect(await agent.ended).toEqual({ outcome: 'stopped', lost: false });
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(agent.status().pipelines[0]?.lagBytes).toBe(writer.bytes);
  });

  it('drains at the first stop, and leaves nothing to be sent again', async () => {
    const { writer, file, delivered, start } = setUp();
    writer.write(4);
    const agent = await start({ outputs: [file('a', { batch: { maxDelay: '60s' } })] });
    await until(() => (agent.status().pipelines[0]?.position?.offset ?? 0) === writer.bytes);
    agent.stop();
    expect(await agent.ended).toEqual({ outcome: 'drained', lost: false });
    expect(delivered('a')).toEqual(writer.lines);
    await (await start({ outputs: [file('a')] }, 'ship')).ended;
    expect(delivered('a')).toEqual(writer.lines);
  });

  it('stops at once at the second stop', async () => {
    const { writer, start } = setUp();
    writer.write(4);
    const agent = await start({ outputs: [{ name: 'dead', type: 'http', url: DOWN }] });
    await until(() => agent.status().pipelines[0]?.state === 'retrying');
    agent.stop();
    agent.stop();
    expect((await agent.ended).outcome).toBe('stopped');
  });

  it('goes on where it stood, with the totals of before', async () => {
    const { writer, file, delivered, start } = setUp();
    writer.write(4);
    await (await start({ outputs: [file('a')] }, 'ship')).ended;
    writer.write(4);
    const agent = await start({ outputs: [file('a')] }, 'ship');
    await agent.ended;
    expect(delivered('a')).toEqual(writer.lines);
    expect(agent.status().pipelines[0]?.totals).toMatchObject({ readEvents: 8, delivered: 8 });
  });

  it('refuses a changed destination or log under an old name, and can be started again with the old one', async () => {
    const { directory, writer, file, start } = setUp();
    writer.write(1);
    await (await start({ outputs: [file('a')] }, 'ship')).ended;
    await expect(start({ outputs: [file('a', { path: join(directory, 'elsewhere') })] })).rejects.toMatchObject({
      code: 'AUD_STATE_MISMATCH',
    });
    const moved = [{ name: 'kube', type: 'file', path: join(directory, 'log/other.log') }];
    await expect(start({ outputs: [file('a')], sources: moved })).rejects.toMatchObject({ code: 'AUD_STATE_MISMATCH' });
    expect((await (await start({ outputs: [file('a')] }, 'ship')).ended).outcome).toBe('drained');
  });

  it('refuses to start beside another agent', async () => {
    const { file, start } = setUp();
    const first = await start({ outputs: [file('a')] });
    await expect(start({ outputs: [file('a')] })).rejects.toMatchObject({ code: 'AUD_STATE_LOCKED' });
    first.stop();
    await first.ended;
    expect((await (await start({ outputs: [file('a')] }, 'ship')).ended).outcome).toBe('drained');
  });

  it('lowers the batches in flight where memory has no room for them, and refuses where that is not enough', async () => {
    const { file, start } = setUp();
    const large = file('a', { batch: { maxBytes: '4Mi', maxInFlight: 16, maxDelay: '5ms' } });
    const agent = await start({ outputs: [large], memory: { maxBytes: '32Mi' } }, 'ship');
    await agent.ended;
    await expect(start({ outputs: [large], memory: { maxBytes: '8Mi' } })).rejects.toMatchObject({
      code: 'AUD_CONFIG',
    });
  });

  it('delivers to real protocols, and ends with exactly what was written when the receiver comes and goes', async () => {
    const { writer, start } = setUp();
    const receiver = await startReceiver();
    onTestFinished(() => receiver.close());
    writer.write(50);
    receiver.elasticsearch.refuse(503).times(3);
    receiver.http.refuse(500).times(2);
    const outputs = [
      { name: 'es', type: 'elasticsearch', url: receiver.elasticsearch.url, index: 'audit' },
      { name: 'http', type: 'http', url: receiver.http.url },
      { name: 'loki', type: 'loki', url: receiver.loki.url },
    ];
    const agent = await start({ outputs }, 'ship');
    expect(await agent.ended).toEqual({ outcome: 'drained', lost: false });
    for (const { totals } of agent.status().pipelines)
      expect(totals).toMatchObject({ delivered: 50, deadLettered: {} });
  });

  it('says that something was lost', async () => {
    const { writer, file, start } = setUp();
    writer.write(2);
    writer.rotate();
    // An hour is missing.
    appendFileSync(writer.path, eventLine('late', Date.UTC(2026, 10, 23, 1)));
    const agent = await start({ outputs: [file('a')] }, 'ship');
    expect(await agent.ended).toEqual({ outcome: 'drained', lost: true });
    expect(agent.status().pipelines[0]?.losses).toEqual({ gap: 1 });
  });

  it('goes on without a fault when its log is not there yet', async () => {
    const { directory, file, delivered, start } = setUp();
    const sources = [{ name: 'later', type: 'file', path: join(directory, 'later/audit.log') }];
    const agent = await start({ sources, outputs: [file('a')] });
    expect(agent.status().sources[0]?.readable).toBe(false);
    mkdirSync(join(directory, 'later'));
    writeFileSync(join(directory, 'later/audit.log'), eventLine(1));
    await until(() => delivered('a').length === 1);
    agent.stop();
    expect((await agent.ended).outcome).toBe('drained');
  });
});
