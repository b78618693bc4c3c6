import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../../src/demo/wait.ts';
import { askAgent } from '../../src/inspect/ask-agent.ts';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { unaccounted } from '../../src/state/counts.ts';
import { eventLine, WriterOnDisk } from '../pipeline/pipeline-harness.ts';
import { BUNDLE } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Scene {
  readonly directory: string;
  readonly state: string;
  readonly out: string;
  readonly config: string;
  /** Writes the configuration, as an editor does that puts a new file in the place of the old one. */
  configure(more?: { grace?: string; filter?: object; source?: object }): void;
  delivered(): string[];
}

function scene(): Scene {
  const directory = temporaryDirectory();
  const [state, out, config] = [join(directory, 'state'), join(directory, 'out'), join(directory, 'auditail.yaml')];
  return {
    directory,
    state,
    out,
    config,
    configure({ grace = '5s', filter = { redact: { enabled: false } }, source } = {}) {
      const log = { name: 'kube', type: 'file', path: join(directory, 'log/audit.log'), retain: { minFree: '0%' } };
      const output = { name: 'out', type: 'file', path: out, batch: { maxDelay: '10ms' }, filter };
      const text = JSON.stringify({
        stateDirectory: state,
        sources: [source ?? log],
        outputs: [output],
        telemetry: { listen: 'off' },
        shutdownGrace: grace,
      });
      writeFileSync(`${config}.new`, text);
      renameSync(`${config}.new`, config);
    },
    delivered: () => (existsSync(out) ? readFileSync(out, 'utf8').split('\n').slice(0, -1) : []),
  };
}

function run({ config }: Scene, stdin: 'ignore' | 'pipe' = 'ignore') {
  const child = spawn(process.execPath, [BUNDLE, 'run', '--config', config], { stdio: [stdin, 'ignore', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  child.stdin?.on('error', () => undefined);
  const said = { text: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.text += text));
  const ended = once(child, 'close').then(([code, signal]) => (code as number | null) ?? String(signal));
  return { child, said, ended };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  let held = false;
  let looks = 0;
  const came = await waitUntil(
    () => {
      looks += 1;
      void Promise.resolve(condition()).then((now) => (held ||= now));
      return held;
    },
    { progress: () => Math.floor(looks / 1e9), standstillMs: 20_000 },
  );
  if (!came) throw new Error('nothing happens any more');
}

async function statusOf({ state }: Scene): Promise<AgentStatus | null> {
  return askAgent(state).catch(() => null);
}

it('a policy in a ConfigMap is taken when it changes, and one that is not sound changes nothing', async () => {
  const here = scene();
  const volume = join(here.directory, 'volume');
  mkdirSync(volume);
  let generation = 0;
  const publish = (rules: string) => {
    const folder = `..${generation++}`;
    mkdirSync(join(volume, folder));
    writeFileSync(join(volume, folder, 'policy.yaml'), `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}`);
    symlinkSync(folder, join(volume, '..data_tmp'));
    renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  };
  publish('  - level: RequestResponse\n');
  symlinkSync('..data/policy.yaml', join(volume, 'policy.yaml'));
  here.configure({ filter: { redact: { enabled: false }, policy: join(volume, 'policy.yaml') } });
  const writer = new WriterOnDisk(join(here.directory, 'log'));
  writer.write(5);
  const { child, said, ended } = run(here);
  await until(() => here.delivered().length === 5);
  const first = (await statusOf(here))?.pipelines[0]?.filter;
  publish('  - level: metadata\n');
  await until(async () => (await statusOf(here))?.configuration?.refused != null);
  const refused = (await statusOf(here))?.configuration?.refused;
  expect(refused?.reason).toContain('policy.yaml:4:12');
  writer.write(5);
  await until(() => here.delivered().length === 10);
  expect((await statusOf(here))?.pipelines[0]?.filter).toBe(first);
  publish('  - level: None\n');
  await until(async () => (await statusOf(here))?.pipelines[0]?.filter !== first);
  writer.write(5);
  await until(async () => (await statusOf(here))?.pipelines[0]?.totals.filtered['policy[0]'] === 5);
  expect((await statusOf(here))?.configuration).toMatchObject({ reloads: 1, failures: 1, refused: null });
  expect(here.delivered()).toEqual(writer.lines.slice(0, 10));
  expect(said.text.match(/the new configuration was refused/g)).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

it('a pipe stays open over changes on SIGHUP, and none of its bytes is lost or comes twice', async () => {
  const here = scene();
  const source = { name: 'pipe', type: 'stdin' };
  here.configure({ source });
  const { child, ended } = run(here, 'pipe');
  const lines: string[] = [];
  const write = (count: number) => {
    for (let left = count; left > 0; left -= 1) {
      const line = eventLine(lines.length, Date.UTC(2026, 10, 23) + lines.length * 1000, 2000);
      lines.push(line.slice(0, -1));
      child.stdin?.write(line);
    }
  };
  write(50);
  await until(() => here.delivered().length === 50);
  for (let round = 1; round <= 5; round += 1) {
    here.configure({ source, grace: `${round}s` });
    write(100);
    child.kill('SIGHUP');
    write(100);
    await until(async () => (await statusOf(here))?.configuration?.reloads === round);
  }
  write(10);
  child.stdin?.end();
  expect(await ended).toBe(0);
  expect(here.delivered()).toEqual(lines);
});

it('killed in the middle of changes, it has lost nothing, and every byte is accounted for', async () => {
  const here = scene();
  here.configure();
  const writer = new WriterOnDisk(join(here.directory, 'log'));
  for (let round = 0; round < 6; round += 1) {
    const { child, ended } = run(here);
    const before = here.delivered().length;
    writer.write(100, 500);
    await until(() => here.delivered().length > before);
    here.configure({ grace: `${10 + round}s` });
    writer.write(100, 500);
    child.kill('SIGHUP');
    // Somewhere within: some milliseconds more each time.
    await new Promise((resolve) => setTimeout(resolve, round * 12));
    child.kill('SIGKILL');
    await ended;
  }
  const { child, ended } = run(here);
  await until(async () => (await statusOf(here))?.pipelines[0]?.totals.readBytes === writer.bytes);
  const { totals, losses } = (await statusOf(here))?.pipelines[0] ?? {};
  expect(losses).toEqual({});
  expect(totals && unaccounted(totals)).toEqual({ events: 0, bytes: 0 });
  expect([...new Set(here.delivered())].toSorted()).toEqual(writer.lines.toSorted());
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
