import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { recordedEvents } from '../cli/made-state.ts';
import { type Ended, ended } from '../cli/program-files.ts';
import { Agent, BUNDLE } from '../support/agent.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/*
 * docs/runbook.md, tried: what is wrong is made to be wrong, the program says so, and the remedy mends it.
 */
const EVENTS = recordedEvents(20).map((event) => event.toString('latin1'));

function auditail(...args: readonly string[]): Promise<Ended> {
  return ended([process.execPath, BUNDLE], args);
}

function scene(output: object = {}, other: object = {}) {
  const directory = temporaryDirectory();
  const log = join(directory, 'log/audit.log');
  mkdirSync(dirname(log));
  const shipped = join(directory, 'shipped.ndjson');
  const stateDirectory = join(directory, 'state');
  const configFile = join(directory, 'auditail.yaml');
  const filter = { redact: { enabled: false } };
  const configure = (outputNow: object, otherNow: object = other): void => {
    const outputs = [{ name: 'out', type: 'file', path: shipped, filter, ...outputNow }];
    const common = { stateDirectory, sources: [{ name: 'api', type: 'file', path: log }], outputs };
    writeFileSync(configFile, stringify({ ...common, telemetry: { listen: 'off' }, ...otherNow }));
  };
  configure(output);
  writeFileSync(log, EVENTS.map((event) => `${event}\n`).join(''), 'latin1');
  const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => readFileSync(log).length });
  onTestFinished(async () => {
    if (agent.running) await agent.kill();
  });
  return {
    directory,
    log,
    stateDirectory,
    configFile,
    configure,
    agent,
    ship: (): Promise<Ended> => auditail('ship', '--config', configFile),
    delivered: (): readonly string[] =>
      existsSync(shipped) ? readFileSync(shipped, 'latin1').split('\n').slice(0, -1) : [],
    checkpoints: join(stateDirectory, 'outputs/out/checkpoints/api'),
  };
}

const NEWER = '{"format":"auditail-checkpoint","version":99,"sequence":9,"note":9,"bytes":3';

it.each([
  ['AUD_STATE_DAMAGED', (): string => 'no checkpoint\n'],
  [
    'AUD_STATE_VERSION',
    (): string => `${NEWER},"crc32":"${crc32('{}\n', crc32(NEWER)).toString(16).padStart(8, '0')}"}\n{}\n`,
  ],
] as const)('%s: after `state remove` the output starts again at the oldest', async (code, text) => {
  const { ship, stateDirectory, delivered, checkpoints } = scene();
  expect((await ship()).code).toBe(0);
  const left = readdirSync(checkpoints);
  for (const name of left) writeFileSync(join(checkpoints, name), text());
  expect(await ship()).toMatchObject({ code: 1, error: expect.stringContaining(code) });
  expect(readdirSync(checkpoints).toSorted()).toEqual(left.toSorted());
  expect((await auditail('state', 'remove', 'out', '--state-dir', stateDirectory)).code).toBe(0);
  expect((await ship()).code).toBe(0);
  expect(delivered()).toEqual([...EVENTS, ...EVENTS]);
});

it('AUD_STATE_MISMATCH: a new name ships everything there, and `state remove` does under the old one', async () => {
  const { ship, configure, directory, stateDirectory } = scene();
  expect((await ship()).code).toBe(0);
  const path = join(directory, 'elsewhere.ndjson');
  const there = () => readFileSync(path, 'latin1').split('\n').length - 1;
  configure({ path });
  expect(await ship()).toMatchObject({ code: 1, error: expect.stringContaining('AUD_STATE_MISMATCH') });
  configure({ path, name: 'elsewhere' });
  expect((await ship()).code).toBe(0);
  expect(there()).toBe(EVENTS.length);
  configure({ path });
  expect((await auditail('state', 'remove', 'out', '--state-dir', stateDirectory)).code).toBe(0);
  expect((await ship()).code).toBe(0);
  expect(there()).toBe(2 * EVENTS.length);
});

it('AUD_STATE_LOCKED: the other is named; after a kill -9 nothing has to be removed', async () => {
  const { ship, agent, delivered } = scene();
  agent.start();
  await agent.caughtUp();
  const { code, error } = await ship();
  expect([code, error]).toEqual([1, expect.stringMatching(/AUD_STATE_LOCKED: .*process \d+/)]);
  await agent.kill();
  expect((await ship()).code).toBe(0);
  expect(delivered()).toEqual(EVENTS);
});

it('AUD_LISTEN: does without with `listen: off`, as the other program keeps the address', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { agent, configure } = scene(
    {},
    { telemetry: { listen: `127.0.0.1:${(other.address() as AddressInfo).port}` } },
  );
  agent.start();
  expect((await agent.ended()).code).toBe(1);
  expect(agent.log).toContain('AUD_LISTEN');
  configure({}, { telemetry: { listen: 'off' } });
  agent.start();
  await agent.caughtUp();
  expect((await agent.stop()).code).toBe(0);
});

it('AUD_SECRET: the file is named, and with it there all is delivered', async () => {
  const got: string[] = [];
  const receiver = createServer((request, response) => {
    got.push(String(request.headers.authorization));
    request.resume().on('end', () => response.end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  onTestFinished(() => void receiver.close());
  const { agent, configure, configFile, directory } = scene();
  const token = join(directory, 'token');
  const retry = { initialDelay: '10ms', maxDelay: '50ms' };
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  configure({ type: 'http', path: undefined, url, retry, auth: { bearer: { file: token } } });
  const said = await auditail('check', '--config', configFile, '--connect');
  expect([said.code, said.error]).toEqual([2, expect.stringContaining(token)]);
  writeFileSync(token, 'abc');
  expect((await auditail('check', '--config', configFile, '--connect')).code).toBe(0);
  agent.start();
  await agent.caughtUp();
  expect(new Set(got)).toEqual(new Set(['Bearer abc']));
});

it('AuditailDeadlineNear: `ship` with another output and state saves what is there, beside the agent', async () => {
  const { agent, configure, log, directory } = scene();
  configure({ type: 'http', path: undefined, url: `http://127.0.0.1:${await freePort()}/` });
  agent.start();
  await agent.waitFor('it to retry', async () => (await agent.status())?.pipelines[0]?.state === 'retrying');
  const saved = join(directory, 'saved.ndjson');
  const flags = ['--audit-log-path', log, '--output', 'file', '--output-path', saved];
  expect((await auditail('ship', ...flags, '--state-dir', join(directory, 'rescue'))).code).toBe(0);
  expect(readFileSync(saved, 'latin1').split('\n').length - 1).toBe(EVENTS.length);
  expect(agent.running).toBe(true);
});

it('dead-letter-full: `dead-letter move` makes room, and the output that holds goes on', async () => {
  const { agent, log, directory, stateDirectory, delivered } = scene({
    deadLetter: { maxBytes: '64Ki' },
    batch: { maxEvents: 10 },
    retry: { initialDelay: '10ms', maxDelay: '50ms' },
  });
  const garbage = Array.from({ length: 30 }, (_, at) => `no event ${at} ${'x'.repeat(4000)}`);
  const parts = [garbage.slice(0, 15), EVENTS, garbage.slice(15), EVENTS];
  appendFileSync(log, parts.flatMap((lines) => lines.map((line) => `${line}\n`)).join(''), 'latin1');
  agent.start();
  const pipeline = async () => (await agent.status())?.pipelines[0];
  await agent.waitFor('it to hold', async () => (await pipeline())?.reason === 'dead-letter-full');
  let moved = 0;
  for (let at = 0; (await pipeline())?.lagBytes !== 0; at += 1) {
    // While it holds: it may go on, and come to the end, as soon as there is room.
    const before = (await pipeline())?.totals.readBytes ?? 0;
    const file = join(directory, `moved-${at}`);
    expect((await auditail('dead-letter', 'move', file, '--state-dir', stateDirectory)).code).toBe(0);
    moved += readFileSync(file, 'latin1').split('\n').length - 1;
    await agent.waitFor('it to go on', async () => ((await pipeline())?.totals.readBytes ?? 0) > before);
    await agent.waitFor('it to hold, or to be through', async () => {
      const { reason, lagBytes } = (await pipeline()) ?? {};
      return reason === 'dead-letter-full' || lagBytes === 0;
    });
  }
  // Batches may pass one another.
  expect(delivered().toSorted()).toEqual([...EVENTS, ...EVENTS, ...EVENTS].toSorted());
  expect(moved).toBeGreaterThan(0);
  const { out } = await auditail('dead-letter', 'export', '--state-dir', stateDirectory);
  expect(moved + out.split('\n').length - 1).toBe(garbage.length);
});
