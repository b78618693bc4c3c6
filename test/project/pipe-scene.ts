import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { AgentStatus } from '../../src/inspect/status.ts';
import { givenUp, linesOf, missing } from '../support/compared-lines.ts';
import { freePort } from '../support/free-port.ts';
import { type ApiServer, startApiServer } from '../support/kube-apiserver.ts';
import { REPOSITORY } from '../support/source-files.ts';
import type { SystemdMachine } from '../support/systemd-machine.ts';
import { TLS, webhookKubeconfig } from '../support/webhook-kubeconfig.ts';

const STATE = '/var/lib/auditail';

export function deployed(name: string): string {
  return readFileSync(join(REPOSITORY, 'deploy', name), 'utf8');
}

/** What the agent in a machine says of itself; `undefined` where it does not answer. `program` starts auditail there. */
export async function statusOf(machine: SystemdMachine, program: readonly string[]): Promise<AgentStatus | undefined> {
  const { code, out } = await machine.run(...program, 'status', '--state-dir', STATE, '--json');
  const status = code === 0 ? (JSON.parse(out) as AgentStatus) : undefined;
  return status?.pipelines === undefined ? undefined : status;
}

export async function answers(machine: SystemdMachine, program: readonly string[]): Promise<void> {
  try {
    await machine.until('the agent to answer', async () => (await statusOf(machine, program)) !== undefined);
  } catch (cause) {
    const { out, error } = await machine.run(...program, 'status', '--state-dir', STATE);
    const said = `${out}${error}\nIts journal ends:\n${(await machine.journal('auditail')).slice(-2000)}`;
    throw new Error(`the agent does not answer: ${said}`, { cause });
  }
}

export async function settled(machine: SystemdMachine, program: readonly string[]): Promise<void> {
  let before = -1;
  await machine.until('nothing left to deliver', async () => {
    const { pipelines = [] } = (await statusOf(machine, program)) ?? {};
    const read = pipelines.reduce((sum, { totals }) => sum + totals.readBytes, 0);
    const same = read === before;
    before = read;
    await sleep(500);
    return same && read > 0 && pipelines.every(({ lagBytes, inFlight }) => lagBytes === 0 && inFlight === 0);
  });
}

/** A line of words as systemd reads it back. */
export function execLine(words: readonly string[]): string {
  const quoted = words.map((word) => {
    const escaped = word.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
    return `"${escaped.replaceAll('%', '%%').replaceAll('$', () => '$$')}"`;
  });
  return `ExecStart=${quoted.join(' ')}\n`;
}

export interface PipeScene {
  readonly server: ApiServer;
  /** How the API server is started, in its directory: with a trail on standard output, and one posted to the agent. */
  readonly command: readonly string[];
  /** What a machine has to see for it, and for the agent's configuration in /etc/auditail. */
  readonly binds: Readonly<Record<string, string>>;
}

/**
 * An API server, stopped, that is to run in a machine and gives its trail twice: to a pipe, and as a witness to a webhook
 * of the same agent.
 */
export async function pipeScene(folder: string): Promise<PipeScene> {
  const scene = mkdtempSync(join(tmpdir(), 'auditail-pipe-'));
  onTestFinished(() => rmSync(scene, { recursive: true, force: true }));
  const port = await freePort();
  const webhook = join(scene, 'webhook.kubeconfig');
  writeFileSync(webhook, webhookKubeconfig(`https://127.0.0.1:${port}/`));
  const server = await startApiServer(folder, {
    AUDIT_LOG: '-',
    AUDIT_WEBHOOK_CONFIG: webhook,
    AUDIT_WEBHOOK_MODE: 'batch',
    AUDIT_WEBHOOK_EXTRA: '--audit-webhook-batch-max-wait=500ms --audit-webhook-initial-backoff=1s',
  });
  onTestFinished(() => server.stop());
  const pid = readFileSync(join(server.directory, 'apiserver.pid'), 'utf8').trim();
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  await server.halt();
  mkdirSync(join(scene, 'etc'));
  writeFileSync(join(scene, 'etc/auditail.yaml'), configuration(port));
  return {
    server,
    command,
    binds: {
      [server.directory]: server.directory,
      [scene]: scene,
      [TLS]: TLS,
      '/etc/auditail': join(scene, 'etc'),
      '/etc/auditail/tls': TLS,
    },
  };
}

function configuration(port: number): string {
  const tls = { cert: 'server.pem', key: 'server.key', clientCA: 'ca.pem' };
  return stringify({
    stateDirectory: STATE,
    sources: [
      {
        name: 'hook',
        type: 'webhook',
        listen: `127.0.0.1:${port}`,
        tls: Object.fromEntries(Object.entries(tls).map(([name, file]) => [name, `/etc/auditail/tls/${file}`])),
      },
      { name: 'pipe', type: 'stdin' },
    ],
    outputs: ['hook', 'pipe'].map((name) => ({
      name: `file-${name}`,
      type: 'file',
      path: `${STATE}/${name}.ndjson`,
      sources: [name],
      filter: { redact: { enabled: false } },
    })),
    telemetry: { listen: 'off' },
  });
}

/** The pipe gave what the webhook gave, but for what a kill may take, which the ledger says. */
export async function expectBothAlike(machine: SystemdMachine, program: readonly string[]): Promise<void> {
  const posted = linesOf(machine.path(`${STATE}/hook.ndjson`));
  const printed = linesOf(machine.path(`${STATE}/pipe.ndjson`));
  const lost = missing(posted, printed);
  process.stderr.write(`${posted.length} posted, ${printed.length} printed, ${lost.length} lost in the kill\n`);
  expect(posted.length).toBeGreaterThan(300);
  expect(missing(printed, posted)).toHaveLength(givenUp(await machine.journal('kube-apiserver')));
  // What one read of a pipe gives at most.
  expect(lost.reduce((sum, line) => sum + line.length, 0)).toBeLessThan(128 * 1024);
  const ledger = await machine.run(...program, 'status', '--ledger', '--config', '/etc/auditail/auditail.yaml');
  expect(ledger.out.match(/LOST \(\w+/g)).toEqual(['LOST (pipe']);
}
