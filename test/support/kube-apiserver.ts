import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { freePort } from './free-port.ts';
import { runScript } from './run-script.ts';

/** Settings of the start script, such as `AUDIT_MAXSIZE`; its head lists them. */
export type ApiServerSettings = Readonly<Record<string, string>>;

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** A real API server with an etcd of its own, on free ports and in a directory of its own. */
export interface ApiServer {
  readonly url: string;
  readonly auditLog: string;
  /** Of its own, on the filesystem of its audit log; removed by `stop`. */
  readonly directory: string;
  /** Sends an object as the administrator. */
  send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, contentType?: string): Promise<Reply>;
  /** How many audit events it has written since its start, as its metrics say: made, and not refused by the log. */
  eventsWritten(): Promise<number>;
  /** Ends it with SIGTERM and starts it again, on the same log; `meanwhile` runs in between. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Ends it with SIGTERM: its log is final. */
  halt(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it with the scripts in `folder`, which build it on first use: some minutes. */
export async function startApiServer(folder: string, settings: ApiServerSettings = {}): Promise<ApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-kube-'));
  const [port, etcdPort] = [await freePort(), await freePort()];
  const env = { ...process.env, RUN: directory, PORT: `${port}`, ETCD_PORT: `${etcdPort}`, KUBELET: '0', ...settings };
  const tls = new Agent({ connect: { rejectUnauthorized: false } });
  async function stop(): Promise<void> {
    await tls.close();
    await runScript(join(folder, 'down.sh'), ['all'], env);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
  async function halt(): Promise<void> {
    await runScript(join(folder, 'down.sh'), ['apiserver'], env);
  }
  try {
    await runScript(join(folder, 'up.sh'), [], env);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `https://127.0.0.1:${port}`;
  return {
    url,
    auditLog: join(directory, 'audit/audit.log'),
    directory,
    async send(method, path, body, contentType = 'application/json') {
      const reply = await request(`${url}${path}`, {
        method,
        dispatcher: tls,
        headers: { authorization: 'Bearer admin-token', 'content-type': contentType },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { status: reply.statusCode, body: await reply.body.json() };
    },
    async eventsWritten() {
      const headers = { authorization: 'Bearer admin-token' };
      const reply = await request(`${url}/metrics`, { dispatcher: tls, headers });
      const page = await reply.body.text();
      return sumOf(page, 'apiserver_audit_event_total') - sumOf(page, 'apiserver_audit_error_total');
    },
    async restart(meanwhile) {
      await halt();
      await meanwhile?.();
      await runScript(join(folder, 'up.sh'), [], env);
    },
    halt,
    stop,
  };
}

/** Sum of all series of a metric. */
function sumOf(page: string, metric: string): number {
  const series = page.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
