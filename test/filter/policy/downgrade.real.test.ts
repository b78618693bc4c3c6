import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Level } from '../../../src/filter/policy/policy.ts';
import { startApiServer } from '../../support/kube-apiserver.ts';
import { shared } from '../../support/shared.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { FIXTURE, LOWER, lowered, type RecordedLevels } from './recorded-levels.ts';
import { sendRecordedRequests } from './recorded-requests.ts';

const scripts = shared('servers/kube-apiserver');

/** Every event of the recorded requests, of a server whose policy records all requests in one way. */
async function record(directory: string, level: Level, omitManagedFields: boolean): Promise<readonly string[]> {
  const policy = join(directory, `${level}-${omitManagedFields}.yaml`);
  const text = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitManagedFields, rules: [{ level }] };
  writeFileSync(policy, JSON.stringify(text));
  const server = await startApiServer(scripts as string, { AUDIT_POLICY: policy });
  try {
    await sendRecordedRequests(server);
    await server.halt();
    const lines = readFileSync(server.auditLog, 'utf8').split('\n');
    return lines
      .filter((line) => line.includes('"auditID":"request-'))
      .map(withoutChance)
      .sort();
  } finally {
    await server.stop();
  }
}

/** Without what is another in each run: times, ids, versions, tokens, names that the server made up, ports. */
function withoutChance(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-01-01T00:00:00Z')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '00000000-0000-0000-0000-000000000000')
    .replaceAll(/"resourceVersion":"\d+"/g, '"resourceVersion":"1"')
    .replaceAll(/resourceVersion=\d+/g, 'resourceVersion=1')
    .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJ')
    .replaceAll(/\bx-[a-z0-9]{5}\b/g, 'x-00000')
    .replaceAll(/localhost:\d+/g, 'localhost:1')
    .replaceAll(/"caBundle":"[^"]*"/g, '"caBundle":"eA=="')
    .replaceAll(/"apiserver\.latency\.k8s\.io\/[^"]*":"[^"]*",?/g, '')
    .replaceAll(/,}/g, '}')
    .replaceAll(/\b\d+(\.\d+)?(ms|µs|s)\b/g, '1s');
}

/** Enough of them to keep beside the tests. */
function isSample(line: string): boolean {
  return line.length < 2600 && /"(ResponseComplete|ResponseStarted)"/.test(line);
}

describe.skipIf(scripts === undefined)('beside real API servers (skipped where their scripts are not there)', () => {
  test('an event that is lowered is, byte for byte, what the API server writes under a policy of that level', async () => {
    const directory = temporaryDirectory();
    const full = await record(directory, 'RequestResponse', false);
    expect(full.length).toBeGreaterThan(60);
    const recorded: RecordedLevels = { full: full.filter(isSample), lowered: [] };
    for (const { level, omitManagedFields } of LOWER) {
      const real = await record(directory, level, omitManagedFields);
      expect(full.map((line) => lowered(line, level, omitManagedFields))).toEqual(real);
      recorded.lowered.push({ level, omitManagedFields, events: real.filter(isSample) });
    }
    if (process.env['AUDITAIL_RECORD'] !== undefined) writeFileSync(FIXTURE, `${JSON.stringify(recorded, null, 1)}\n`);
  });
});
