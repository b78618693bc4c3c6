import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { freePort } from './free-port.ts';
import { runScript } from './run-script.ts';

/** What a receiver holds of one run. */
export interface Held {
  /** Content names of the events in it. */
  readonly names: ReadonlySet<string>;
  /** How many it has stored, copies included. */
  readonly stored: number;
}

/** A place that events are sent to, for one run after the other. */
export interface RealReceiver {
  /** Makes room for a run; the settings of the output that sends there. */
  prepare(run: string): Promise<Readonly<Record<string, unknown>>>;
  /** Takes it away for so long, as an operator or a fault would. */
  outage(ms: number): Promise<void>;
  /** All that the run has brought. */
  held(run: string): Promise<Held>;
  stop(): Promise<void>;
}

/** The scripts that start and stop a server, its state in a directory of its own. */
export interface ServerScripts {
  readonly url: string;
  up(): Promise<void>;
  /** The process of the server itself. */
  pid(): number;
  /** Ends it and keeps its state. */
  down(): Promise<void>;
  /** Ends it for good. */
  remove(): Promise<void>;
}

/** `prefix`: that of its variables, such as `LOKI` for `LOKI_PORT`. */
export async function serverScripts(
  folder: string,
  prefix: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServerScripts> {
  const directory = mkdtempSync(join(tmpdir(), `auditail-${prefix.toLowerCase()}-`));
  // OpenSearch does not run as root; its script makes it another user's process.
  chmodSync(directory, 0o755);
  const port = await freePort();
  const state = { SINK_STATE: join(directory, 'state'), SINK_KEEP: '1', [`${prefix}_PORT`]: `${port}` };
  const env = { ...process.env, ...state, ...settings };
  const script = (name: string) => runScript(join(folder, name), [], env);
  return {
    url: `http://127.0.0.1:${port}`,
    up: () => script('up.sh'),
    pid: () => Number(readFileSync(join(state.SINK_STATE, 'pid'), 'utf8')),
    down: () => script('down.sh'),
    remove: async () => {
      await script('down.sh');
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A JSON answer, which must be a good one. */
export async function ask(
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  url: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await request(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${text.slice(0, 500)}`);
  return JSON.parse(text) as Record<string, unknown>;
}
