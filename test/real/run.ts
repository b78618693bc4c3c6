import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { PipelineStatus } from '../../src/inspect/status.ts';
import type { LedgerEntry } from '../../src/state/ledger-entry.ts';
import { readLedger } from '../../src/state/read-ledger.ts';
import { Agent } from '../support/agent.ts';
import { type ApiServer, startApiServer } from '../support/kube-apiserver.ts';
import { Load, type LoadOptions } from '../support/load.ts';
import type { RealReceiver } from '../support/real-receiver.ts';
import { contentName, type Seen, Witness } from '../support/witness.ts';

const OUTPUT = 'receiver';
const SOURCE = 'kube-apiserver';

/** A copy may be sent again after a kill for each event that was in flight: these are bounds of that. */
export const BATCH = { maxEvents: 400, maxInFlight: 2, maxDelay: '200ms' };

export interface RunOptions {
  /** The folder of the API server's start scripts. */
  readonly folder: string;
  readonly name: string;
  readonly receiver: RealReceiver;
  readonly compress: boolean;
  readonly seconds: number;
  readonly perSecond: number;
  readonly mix: LoadOptions['mix'];
}

/** One run of everything: an API server under load, the agent on its log, a receiver, and a witness beside them. */
export interface Run {
  readonly server: ApiServer;
  readonly agent: Agent;
  readonly witness: Witness;
  readonly load: Load;
  readonly stateDirectory: string;
  /** Restarts the API server in the middle of it all. */
  restartServer(): Promise<void>;
}

/** What a run came to. */
export interface Result {
  /** What the API server wrote, line by line in the order of the log. */
  readonly written: readonly Buffer[];
  readonly seen: Seen;
  /** Places in `written` that the receiver does not have. */
  readonly missing: readonly number[];
  /** How many events the receiver has that were never written. */
  readonly foreign: number;
  readonly distinct: number;
  /** How many it has more than once. */
  readonly copies: number;
  readonly pipeline: PipelineStatus;
  readonly ledger: readonly LedgerEntry[];
  readonly exitCode: number | null;
}

/** Rotation as fast as it goes: a file of 1 MB, two backups, and everything older is deleted. */
export const BACKUPS = 2;
const ROTATION = { AUDIT_MAXSIZE: '1', AUDIT_MAXBACKUP: `${BACKUPS}` };

/** Starts everything, lets `disturb` happen while the load runs, waits until all has been delivered, and counts. */
export async function run(options: RunOptions, disturb: (run: Run) => Promise<void>): Promise<Result> {
  const { receiver, compress, seconds, perSecond, mix, name } = options;
  const server = await startApiServer(options.folder, { ...ROTATION, ...(compress ? { AUDIT_COMPRESS: '1' } : {}) });
  const witness = new Witness(server.auditLog, join(server.directory, 'witness'));
  const stateDirectory = join(server.directory, 'state');
  const configFile = join(server.directory, 'auditail.yaml');
  writeFileSync(configFile, stringify(configuration(server, stateDirectory, await receiver.prepare(name))));
  const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => 0 });
  const load = new Load({ url: server.url, seconds, perSecond, mix });
  let linesBefore = 0;
  const running: Run = {
    server,
    agent,
    witness,
    load,
    stateDirectory,
    restartServer: () =>
      server.restart(async () => {
        linesBefore = witness.lines().length;
      }),
  };
  try {
    agent.start();
    await agent.waitFor('the first delivery', async () => ((await pipelineOf(agent))?.totals.delivered ?? 0) > 0);
    await disturb(running);
    process.stderr.write(`${name}: ${await load.ended()}`);
    await everythingWitnessed(server, () => witness.lines().length - linesBefore);
    await server.halt();
    return await account(options, running);
  } finally {
    await load.stop();
    if (agent.running) await agent.kill();
    process.stderr.write(warnings(agent));
    await witness.stop();
    await server.stop();
  }
}

/** Waits until the witness has as many events as the API server says it has written since its last start, or more. */
async function everythingWitnessed(server: ApiServer, witnessed: () => number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const lines = witnessed();
    const written = await server.eventsWritten();
    // Asking makes an event of its own, so the number before must be that of the answer.
    if (lines === written) return;
    if (tries > 20) throw new Error(`the witness has ${lines} lines, the API server says it has written ${written}`);
    await sleep(250);
  }
}

async function account({ receiver, name }: RunOptions, { agent, witness, stateDirectory }: Run): Promise<Result> {
  const written = witness.lines();
  const names = new Map(written.map((line, place) => [contentName(line), place]));
  if (names.size !== written.length) throw new Error('the API server wrote the same line twice');
  let last: PipelineStatus | undefined;
  await agent.waitFor('nothing left to deliver', async () => {
    const before = last;
    await sleep(500);
    last = await pipelineOf(agent);
    return last?.lagBytes === 0 && last.inFlight === 0 && before?.totals.readBytes === last.totals.readBytes;
  });
  const pipeline = last;
  if (pipeline === undefined) throw new Error('the agent does not answer');
  const { code: exitCode } = await agent.stop();
  const seen = await witness.stop();
  const held = await receiver.held(name);
  const ledger: LedgerEntry[] = [];
  for await (const entry of readLedger(join(stateDirectory, 'outputs', OUTPUT))) ledger.push(entry);
  return {
    written,
    seen,
    missing: [...names].filter(([content]) => !held.names.has(content)).map(([, place]) => place),
    foreign: [...held.names].filter((content) => !names.has(content)).length,
    distinct: held.names.size,
    copies: held.stored - held.names.size,
    pipeline,
    ledger,
    exitCode,
  };
}

async function pipelineOf(agent: Agent): Promise<PipelineStatus | undefined> {
  const status = await agent.status();
  return status?.pipelines[0];
}

function configuration(server: ApiServer, stateDirectory: string, output: Readonly<Record<string, unknown>>): unknown {
  return {
    stateDirectory,
    sources: [{ name: SOURCE, type: 'file', path: server.auditLog, retain: { minFree: '0%' } }],
    // What arrives is compared by the content of lines: nothing is redacted on the way.
    outputs: [
      {
        name: OUTPUT,
        batch: BATCH,
        retry: { initialDelay: '100ms', maxDelay: '2s' },
        filter: { redact: { enabled: false } },
        ...output,
      },
    ],
    telemetry: { listen: 'off' },
  };
}

function warnings(agent: Agent): string {
  return agent
    .records('warn')
    .map((record) => `  agent: ${JSON.stringify(record)}\n`)
    .join('');
}
