import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../output/support/receiver.ts';
import { Agent } from '../support/agent.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { line } from './rules.ts';

const ROUNDS = 4;
const PER_ROUND = 40;

test('over kills at any moment every match is told, and none twice', async () => {
  const directory = temporaryDirectory();
  const told: string[] = [];
  const hook = await startReceiver(({ body }) => {
    const { summary, id } = JSON.parse(body.toString()) as { summary: string; id: string };
    told.push(`${summary} ${id}`);
    return { status: 200 };
  });
  onTestFinished(() => hook[Symbol.asyncDispose]());
  const log = join(directory, 'log/audit.log');
  mkdirSync(join(directory, 'log'));
  writeFileSync(log, '');
  const rules = join(directory, 'rules.yaml');
  writeFileSync(
    rules,
    `rules:
  - { name: each, severity: high, description: d, groupBy: [objectRef.name], summary: 'read {{objectRef.name}}' }
  - { name: many, severity: high, description: d, groupBy: [], threshold: { count: ${ROUNDS * PER_ROUND}, window: 1h }, summary: '{{count}} in all' }
`,
  );
  const configFile = join(directory, 'auditail.yaml');
  const stateDirectory = join(directory, 'state');
  writeFileSync(
    configFile,
    JSON.stringify({
      stateDirectory,
      sources: [{ name: 'kube', type: 'file', path: log, retain: { minFree: '0%' } }],
      outputs: [{ name: 'out', type: 'file', path: join(directory, 'out.log') }],
      telemetry: { listen: 'off' },
      alerts: {
        rules: [rules],
        startAt: 'oldest',
        maxDelay: '5ms',
        // By the clock the recorded alerts are over as soon as they have begun.
        receivers: [
          {
            name: 'hook',
            type: 'webhook',
            url: hook.url,
            sendResolved: false,
            rateLimit: { perMinute: 60_000, burst: 1000 },
          },
        ],
      },
    }),
  );
  const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => 0 });
  onTestFinished(async () => {
    if (agent.running) await agent.kill();
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    agent.start();
    const before = told.length;
    for (let at = 0; at < PER_ROUND; at += 1) {
      const n = round * PER_ROUND + at;
      appendFileSync(log, `${line(n, { name: `secret-${n}` })}\n`);
    }
    // In the middle of telling, at another place in each round.
    await agent.waitFor('some to be told', () => told.length >= before + 3 + round * 9);
    await agent.kill();
  }
  agent.start();
  await agent.waitFor('all to be told', () => new Set(told).size >= ROUNDS * PER_ROUND + 1);
  await agent.waitFor('nothing to wait', async () => {
    const receivers = (await agent.status())?.alerts?.[0]?.receivers;
    return receivers !== undefined && receivers.every(({ pending }) => pending === 0);
  });
  const summaries = new Set(told.map((one) => one.replace(/ [0-9a-f]{32}$/, '')));
  for (let n = 0; n < ROUNDS * PER_ROUND; n += 1) expect(summaries).toContain(`read secret-${n}`);
  expect(summaries).toContain(`${ROUNDS * PER_ROUND} in all`);
  // What was being told when it was killed may have arrived: then it comes again under its own id, as nothing else does.
  expect(new Set(told).size).toBe(ROUNDS * PER_ROUND + 1);
  expect(told.length - new Set(told).size).toBeLessThanOrEqual(ROUNDS);
});
