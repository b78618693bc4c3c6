import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { story } from '../support/story.ts';
import { auditail, type Ran } from './fake-terminal.ts';

interface Answers {
  /** What the API server and the index say. */
  made: number;
  errors: number;
  stored: number;
}

/** An agent that has delivered 150 events out of several files, and somebody to ask about each end of the way. */
async function delivered() {
  const answers: Answers = { made: 150, errors: 0, stored: 150 };
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    if (request.url === '/metrics') {
      response.end(
        `process_start_time_seconds 1\napiserver_audit_event_total ${answers.made}\napiserver_audit_error_total{plugin="log"} ${answers.errors}\n`,
      );
    } else response.end(JSON.stringify({ count: answers.stored, _shards: { failed: 0 } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  // Rotated in the middle of a write, as the API server does: anything else could be a gap.
  const told = await story({ outputs: ['elasticsearch'], maxSizeBytes: 150_000, maxBackups: 50 });
  told.auditLog.write(150);
  told.agent.start();
  await told.agent.caughtUp();
  // The same configuration, but for a receiver that can count.
  const config = parse(readFileSync(told.configFile, 'utf8')) as { outputs: { url: string }[] };
  for (const output of config.outputs) output.url = url;
  const file = path.join(told.directory, 'ask.yaml');
  writeFileSync(file, stringify(config));
  const ask = (...more: readonly string[]): Promise<Ran> =>
    auditail(['reconcile', '--config', file, '--api-server', url, ...more]);
  return { ...told, answers, asked, ask };
}

test('says that all counts agree, and where they do not', async () => {
  const { answers, asked, ask, auditLog, agent, stateDirectory, directory } = await delivered();
  const agreed = await ask();
  expect(agreed.out.replace(/^from .*\n/, '')).toMatchInlineSnapshot(`
    "agrees   the API server wrote 150 events; the log, with what elasticsearch has read of it, has 150 events
    agrees   elasticsearch delivered 150 events; its receiver has 150
    "
  `);
  expect(agreed.exit).toBe(0);
  expect(asked).toEqual([
    'GET /metrics',
    'GET /metrics',
    'POST /audit/_refresh',
    'POST /audit/_count?allow_no_indices=true',
  ]);

  answers.stored = 149;
  const missing = await ask();
  expect([missing.exit, missing.out]).toEqual([
    3,
    expect.stringMatching(/^differs {2}elasticsearch delivered 150 events; its receiver has 149$/m),
  ]);
  answers.stored = 150;

  answers.made = 160;
  const unwritten = await ask();
  expect(unwritten.exit).toBe(3);
  expect(unwritten.out).toContain(
    'differs  the API server wrote 160 events; the log, with what elasticsearch has read of it, has 150 events',
  );
  answers.errors = 10;
  const refused = await ask();
  expect([refused.exit, refused.out]).toEqual([3, expect.stringContaining('could not write 10 events to its log')]);
  answers.made = 150;
  answers.errors = 0;

  // A former answer is where the next one begins.
  const former = path.join(directory, 'former.json');
  writeFileSync(former, (await ask('--json')).out);
  answers.made = 155;
  answers.stored = 0;
  const next = await ask('--since', former);
  expect(next.out).toContain(
    'the API server wrote 5 events; the log, with what elasticsearch has read of it, has 0 events',
  );

  // Somebody who removes lines of a file that was read already is seen by the ledger.
  answers.made = 150;
  answers.stored = 150;
  await agent.stop();
  const backup = readdirSync(path.dirname(auditLog.path)).find((name) => name !== 'audit.log' && name.endsWith('.log'));
  const file = path.join(path.dirname(auditLog.path), backup ?? '');
  const lines = readFileSync(file, 'latin1').split('\n');
  expect(lines.length).toBeGreaterThan(6);
  writeFileSync(file, [...lines.slice(0, 2), ...lines.slice(5)].join('\n'), 'latin1');
  const removed = await ask();
  expect(removed.exit).toBe(3);
  expect(removed.out).toContain(
    `differs  ${backup}: the file holds ${lines.length - 4} events, elasticsearch read ${lines.length - 1}`,
  );

  rmSync(stateDirectory, { recursive: true });
  const lost = await ask();
  expect([lost.exit, lost.out]).toEqual([3, expect.stringContaining('audit.log: elasticsearch has no record of it')]);
});

test('an API server and a receiver that cannot be asked are no difference, and no agreement', async () => {
  const { configFile } = await story({ outputs: ['http'] });
  const { exit, out } = await auditail(['reconcile', '--config', configFile, '--api-server', 'http://127.0.0.1:9']);
  expect(exit).toBe(1);
  expect(out).toContain('unknown  the API server could not be asked: no answer (refused)');
  expect(out).toContain('unknown  the receiver of http cannot be asked for a count');
});

test('refuses what is no time and no URL', async () => {
  const { configFile } = await story({ outputs: ['http'] });
  for (const flags of [
    ['--from', 'yesterday'],
    ['--api-server', 'nowhere'],
    ['--wait', 'long'],
    ['--since', configFile],
  ])
    expect((await auditail(['reconcile', '--config', configFile, ...flags])).exit, flags.join(' ')).toBe(2);
});
