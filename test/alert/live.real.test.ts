import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { perform, preparation, TECHNIQUES } from '../support/attack-session.ts';
import { freePort } from '../support/free-port.ts';
import { startApiServer } from '../support/kube-apiserver.ts';
import { Load } from '../support/load.ts';
import { ask, serverScripts } from '../support/real-receiver.ts';
import { shared } from '../support/shared.ts';
import { REPOSITORY } from '../support/source-files.ts';

const apiServer = shared('servers/kube-apiserver');
const alertmanager = shared('servers/alertmanager');
const skipped =
  apiServer === undefined || alertmanager === undefined
    ? ' (skipped: there is no API server and Alertmanager to start)'
    : '';

/** These learn for a week before they tell. */
const LEARNING = ['new-service-account-action', 'new-source-network'];

interface Told {
  readonly id: string;
  readonly rule: string;
  readonly status: string;
  readonly lastAt: string;
  readonly count: number;
  readonly arrivedMs: number;
  readonly events: readonly { readonly time: string }[];
}

/** A webhook of our own, which notes when it was told what. */
async function startHook() {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const arrivedMs = Date.now();
      told.push({ ...(JSON.parse(Buffer.concat(chunks).toString()) as Told), arrivedMs });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { told, url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

function certificateRequest(directory: string): string {
  const file = join(directory, 'request.csr');
  const key = join(directory, 'key.pem');
  const args = ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=mallory', '-keyout', key, '-out', file];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return readFileSync(file).toString('base64');
}

describe.skipIf(skipped !== '')(`an attacker's session against a real API server${skipped}`, () => {
  test('every technique is told within a second, none twice over a kill, to webhook and Alertmanager', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'auditail-alerts-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const hook = await startHook();
    onTestFinished(() => void hook.close());
    const manager = await serverScripts(alertmanager ?? '', 'AM', { AM_HOOK: 'http://127.0.0.1:9/' });
    onTestFinished(() => manager.remove());
    await manager.up();
    const kubeletPort = await freePort();
    const api = await startApiServer(apiServer ?? '', {
      AUDIT_POLICY: 'all',
      AUDIT_MAXSIZE: '20',
      AUDIT_MAXBACKUP: '20',
      AUDIT_TRUNCATE: '1',
      AUDIT_TRUNCATE_EVENT: '200000',
      KUBELET: '1',
      KPORT: `${kubeletPort}`,
    });
    onTestFinished(() => api.stop());
    const configFile = join(directory, 'auditail.yaml');
    const stateDirectory = join(directory, 'state');
    const receivers = [
      { name: 'hook', type: 'webhook', url: hook.url, rateLimit: { perMinute: 6000, burst: 500 } },
      { name: 'manager', type: 'alertmanager', url: manager.url, rateLimit: { perMinute: 6000, burst: 500 } },
    ];
    writeFileSync(
      configFile,
      JSON.stringify({
        stateDirectory,
        sources: [{ name: 'kube', type: 'file', path: api.auditLog }],
        outputs: [{ name: 'out', type: 'file', path: join(directory, 'out.log') }],
        telemetry: { listen: 'off' },
        alerts: { rules: [join(REPOSITORY, 'config/alerts')], receivers },
      }),
    );
    const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => 0 });
    onTestFinished(async () => {
      if (agent.running) await agent.kill();
    });
    agent.start();
    await agent.waitFor('alert rules at work', async () => (await agent.status())?.alerts !== undefined);
    const load = new Load({ url: api.url, seconds: 120, perSecond: 60, mix: 'meta' });
    onTestFinished(() => load.stop());
    for (const step of preparation(certificateRequest(directory), kubeletPort)) await perform(api.url, step, 'prepare');

    // Killed in the middle, and started again.
    const killedMs: number[] = [];
    for (const [at, { rule, attack }] of TECHNIQUES.entries()) {
      if (at === 8 || at === 20) {
        killedMs.push(Date.now());
        await agent.kill();
        agent.start();
      }
      for (const step of attack) await perform(api.url, step, `attack/${rule}`);
      await sleep(100);
    }
    const expected = TECHNIQUES.map(({ rule }) => rule).filter((rule) => !LEARNING.includes(rule));
    const missing = () => expected.filter((rule) => !hook.told.some((one) => one.rule === rule));
    await agent.waitFor('all techniques told', () => missing().length === 0);
    await load.stop();
    await agent.waitFor('nothing waits', async () => {
      const receiversNow = (await agent.status())?.alerts?.[0]?.receivers ?? [];
      return receiversNow.length === 2 && receiversNow.every(({ pending }) => pending === 0);
    });

    expect(missing()).toEqual([]);
    const ids = hook.told.map(({ id }) => id);
    expect(ids.length - new Set(ids).size).toBe(0);
    // Nothing but what the pack is about, and no fault.
    expect(hook.told.map(({ rule }) => rule).filter((rule) => !expected.includes(rule))).toEqual([]);
    expect(agent.records('error')).toEqual([]);

    // A killed agent takes a moment to be there again; otherwise a second is enough.
    const late = hook.told
      .filter(({ status }) => status === 'firing')
      .map(({ rule, arrivedMs, events }) => ({
        rule,
        ms: arrivedMs - Date.parse(events.at(-1)?.time ?? ''),
        arrivedMs,
      }))
      .filter(({ arrivedMs, ms }) => !killedMs.some((at) => arrivedMs > at && arrivedMs - ms < at + 3000));
    const times = late.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const at = (share: number) => times[Math.floor(share * (times.length - 1))];
    process.stderr.write(
      `told ${hook.told.length}, write to webhook: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms\n`,
    );
    expect(late.filter(({ ms }) => ms > 1000)).toEqual([]);

    const known = (await ask('GET', `${manager.url}/api/v2/alerts`)) as unknown as readonly {
      readonly labels: { readonly alertname: string };
    }[];
    const names = new Set(known.map(({ labels }) => labels.alertname));
    expect(expected.filter((rule) => !names.has(rule))).toEqual([]);
    expect(existsSync(join(stateDirectory, 'outputs/alerts'))).toBe(true);
  });
});
