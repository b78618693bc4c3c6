import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startAgent } from '../../src/agent.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';
import { AuditailError } from '../../src/errors.ts';
import { prepareFilter } from '../../src/filter/create-filter.ts';
import type { Prepared } from '../../src/reload/changes.ts';
import { type Loaded, Supervisor } from '../../src/reload/supervisor.ts';
import { unaccounted } from '../../src/state/counts.ts';
import type { LedgerEntry } from '../../src/state/ledger-entry.ts';
import { until, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function setUp() {
  const directory = temporaryDirectory();
  const writer = new WriterOnDisk(join(directory, 'log'));
  const said: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => said.push(JSON.parse(line)) });
  const out = join(directory, 'out');
  const prepared = (settings: Record<string, unknown> = {}, output: Record<string, unknown> = {}): Prepared => {
    const parsed = configSchema.parse({
      stateDirectory: join(directory, 'state'),
      sources: [{ name: 'kube', type: 'file', path: writer.path, retain: { minFree: '0%' } }],
      telemetry: { listen: 'off' },
      shutdownGrace: '10s',
      ...settings,
      outputs: [
        {
          name: 'out',
          type: 'file',
          path: out,
          batch: { maxDelay: '5ms' },
          retry: { initialDelay: '1ms', maxDelay: '5ms' },
          filter: { redact: { enabled: false } },
          ...output,
        },
      ],
    });
    const config: Config = { ...parsed, metadata: {} };
    return {
      config,
      filters: new Map(config.outputs.map(({ name, filter }) => [name, prepareFilter(filter)])),
      files: ['auditail.yaml'],
    };
  };
  const delivered = () => (existsSync(out) ? readFileSync(out, 'utf8').split('\n').slice(0, -1) : []);
  const start = async (first = prepared()) => {
    let next: Loaded = { ok: true, prepared: first };
    const around: string[] = [];
    const supervisor = await Supervisor.start({
      prepared: first,
      logger,
      load: () => next,
      start: ({ config, filters }, held) =>
        startAgent(config, { mode: 'run', logger, version: '0', filters, ...(held === undefined ? {} : { held }) }),
      surroundings: async () => ({
        commit: async () => void around.push('commit'),
        cancel: async () => void around.push('cancel'),
      }),
    });
    onTestFinished(async () => {
      supervisor.stop();
      supervisor.stop();
      await supervisor.ended;
    });
    const goOverTo = (after: Prepared | string) => {
      next = typeof after === 'string' ? { ok: false, reason: after } : { ok: true, prepared: after };
      return supervisor.reload();
    };
    return { supervisor, goOverTo, around };
  };
  const ledger = () =>
    readFileSync(join(directory, 'state/outputs/out/ledger.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LedgerEntry);
  return { directory, writer, prepared, delivered, start, said, ledger };
}

const DROP_ODD = {
  filter: { redact: { enabled: false }, drop: [{ name: 'odd', when: 'auditID.matches("[13579]$")' }] },
};

describe('a configuration that changes while the agent runs', () => {
  it('only in its filters: they judge from the next batch on, and the ledger says which decided what', async () => {
    const { writer, prepared, delivered, start, ledger, said } = setUp();
    const { supervisor, goOverTo } = await start();
    const [first] = prepared().filters.values();
    const after = prepared({}, DROP_ODD);
    const [second] = after.filters.values();
    writer.write(10);
    await until(() => delivered().length === 10);
    await goOverTo(after);
    await until(() => supervisor.status().pipelines[0]?.filter === second?.hash);
    writer.write(10);
    await until(() => supervisor.status().pipelines[0]?.totals.readEvents === 20);
    writer.rotate();
    writer.write(1);
    await until(() => ledger().length === 1);
    const { totals } = supervisor.status().pipelines[0] as never as { totals: Parameters<typeof unaccounted>[0] };
    expect(unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
    expect(totals.filtered['odd']).toBeGreaterThan(0);
    const middle = writer.lines.slice(0, 10).join('\n').length + 1;
    expect(ledger()[0]).toMatchObject({
      filters: [
        { from: 0, filter: first?.hash },
        { from: middle, filter: second?.hash },
      ],
    });
    expect(said.map(({ msg }) => msg)).toContain('another filter judges from here on');
    expect(supervisor.status().configuration).toMatchObject({ reloads: 1, failures: 0, refused: null });
  });

  it('in anything else: another agent goes on where the one before ended, under load, and no counter goes back', async () => {
    const { writer, prepared, delivered, start, directory } = setUp();
    const { supervisor, goOverTo, around } = await start();
    let batches = 0;
    for (let round = 0; round < 8; round += 1) {
      writer.write(40);
      const reloaded = goOverTo(prepared({ shutdownGrace: `${60 + round}s` }));
      writer.write(40);
      if (round % 3 === 0) writer.rotate();
      await reloaded;
      const now = supervisor.status().pipelines[0]?.batches ?? 0;
      expect(now).toBeGreaterThanOrEqual(batches);
      batches = now;
    }
    await until(() => supervisor.status().pipelines[0]?.lagBytes === 0 && delivered().length >= writer.lines.length);
    expect(delivered()).toEqual(writer.lines);
    expect(around).toEqual(Array.from({ length: 8 }, () => 'commit'));
    expect(supervisor.status().configuration?.reloads).toBe(8);
    // One lock all the while: its generation never went up.
    expect(readFileSync(join(directory, 'state/outputs/out/ledger.jsonl'), 'utf8')).not.toContain('"loss"');
  });

  it('to something that is not sound: nothing changes, and the reason is told until a good one comes', async () => {
    const { writer, prepared, delivered, start, said } = setUp();
    const { supervisor, goOverTo } = await start();
    await goOverTo('auditail.yaml:3:1 no such option');
    writer.write(5);
    await until(() => delivered().length === 5);
    expect(supervisor.status().configuration).toMatchObject({
      failures: 1,
      refused: { reason: 'auditail.yaml:3:1 no such option' },
    });
    expect(said.find(({ level }) => level === 50)).toMatchObject({ reason: 'auditail.yaml:3:1 no such option' });
    await goOverTo(prepared({}, DROP_ODD));
    expect(supervisor.status().configuration).toMatchObject({ reloads: 1, failures: 1, refused: null });
  });

  it('to what cannot be started: the one before goes on, and what was prepared is taken back', async () => {
    const { writer, prepared, delivered, start, directory } = setUp();
    const { supervisor, goOverTo, around } = await start();
    writer.write(5);
    await until(() => delivered().length === 5);
    await goOverTo(prepared({}, { path: join(directory, 'elsewhere') }));
    expect(supervisor.status().configuration?.refused?.reason).toContain('out');
    expect(around).toEqual(['cancel']);
    writer.write(5);
    await until(() => delivered().length === 10);
    expect(delivered()).toEqual(writer.lines);
  });

  it('in what it cannot change is refused', async () => {
    const { prepared, start, directory } = setUp();
    const { supervisor, goOverTo } = await start();
    await goOverTo(prepared({ stateDirectory: join(directory, 'other') }));
    expect(supervisor.status().configuration?.refused?.reason).toContain('stateDirectory cannot change');
    await goOverTo(prepared({ sources: [{ name: 'pipe', type: 'stdin' }] }));
    expect(supervisor.status().configuration?.refused?.reason).toContain('stdin');
  });
});

it('an agent that is told to end while another takes its place ends, and gives its state back', async () => {
  const { writer, prepared, start, directory } = setUp();
  const { supervisor, goOverTo } = await start();
  writer.write(5);
  const reloading = goOverTo(prepared({ shutdownGrace: '11s' }));
  supervisor.stop();
  await reloading;
  expect((await supervisor.ended).outcome).toBe('drained');
  const again = await startAgent(prepared().config, {
    mode: 'ship',
    logger: pino({ level: 'silent' }),
    version: '0',
  });
  expect((await again.ended).outcome).toBe('drained');
  writeFileSync(join(directory, 'done'), '');
});

it('a filter that is read once does not change with its file', () => {
  const file = join(temporaryDirectory(), 'policy.yaml');
  const policy = (level: string) =>
    writeFileSync(file, `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: ${level}\n`);
  policy('Metadata');
  const [output] = configSchema.parse({
    sources: [{ name: 'a', type: 'file', path: '/a' }],
    outputs: [{ name: 'b', type: 'file', path: '/b', filter: { policy: file } }],
  }).outputs;
  const prepared = prepareFilter((output as Config['outputs'][number]).filter);
  policy('nonsense');
  expect(prepared.create().hash).toBe(prepared.hash);
  expect(() => prepareFilter((output as Config['outputs'][number]).filter)).toThrow(AuditailError);
});
