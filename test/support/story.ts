import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { Endpoint } from '../../src/demo/endpoint.ts';
import { type Receiver, startReceiver } from '../../src/demo/receiver.ts';
import type { RecordedEvent } from '../../src/demo/recorded-event.ts';
import { Agent } from './agent.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { WrittenLog } from './written-log.ts';

type OutputType = 'elasticsearch' | 'loki' | 'http';

export interface StoryOptions {
  /** One output of each type is configured; all three where not set. */
  readonly outputs?: readonly OutputType[];
  /** More settings for every output, such as `batch`. */
  readonly output?: Readonly<Record<string, unknown>>;
  /** More settings for the source. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** More settings at the top. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly maxSizeBytes?: number;
  readonly maxBackups?: number;
  readonly compress?: boolean;
  readonly millByItself?: boolean;
  readonly events?: readonly RecordedEvent[];
  readonly seed?: number;
}

/**
 * Everything a test of the whole program needs, and removed when the test has finished:
 *
 *     const { auditLog, agent, elasticsearch } = await story({ outputs: ['elasticsearch'] });
 *     auditLog.write(100);
 *     agent.start();
 *     elasticsearch.refuse(503).times(2);
 *     auditLog.rotate();
 *     await agent.caughtUp();
 *     expect(elasticsearch.tally.against(auditLog.written)).toEqual(COMPLETE);
 */
export interface Story extends Record<OutputType, Endpoint> {
  readonly directory: string;
  readonly stateDirectory: string;
  readonly configFile: string;
  readonly auditLog: WrittenLog;
  readonly agent: Agent;
}

/** What `tally.against` says where every event arrived, whole and once. */
export const COMPLETE = { missing: [], foreign: [], repeated: 0 };

export async function story(options: StoryOptions = {}): Promise<Story> {
  const directory = temporaryDirectory();
  const stateDirectory = join(directory, 'state');
  const configFile = join(directory, 'auditail.yaml');
  const receiver = await startReceiver();
  const auditLog = new WrittenLog({ ...options, path: join(directory, 'audit/audit.log') });
  writeFileSync(configFile, stringify(configuration(options, stateDirectory, auditLog.path, receiver)));
  const agent = new Agent({ configFile, stateDirectory, bytesWritten: () => auditLog.bytes });
  onTestFinished(async () => {
    if (agent.running) await agent.kill();
    await receiver.close();
    await auditLog.close();
  });
  const { elasticsearch, loki, http } = receiver;
  return { directory, stateDirectory, configFile, auditLog, agent, elasticsearch, loki, http };
}

function configuration(options: StoryOptions, stateDirectory: string, path: string, receiver: Receiver): unknown {
  const own: Record<OutputType, Record<string, unknown>> = {
    elasticsearch: { index: 'audit' },
    // Longer than Loki takes by default, so that every event arrives whole.
    loki: { maxLineBytes: '2Mi' },
    http: { format: 'ndjson' },
  };
  const types = options.outputs ?? (['elasticsearch', 'loki', 'http'] as const);
  return {
    stateDirectory,
    sources: [{ name: 'kube-apiserver', type: 'file', path, retain: { minFree: '0%' }, ...options.source }],
    outputs: types.map((type) => ({
      name: type,
      type,
      url: receiver[type].url,
      ...own[type],
      batch: { maxDelay: '50ms' },
      // What arrives is held byte by byte against what was written.
      filter: { redact: { enabled: false } },
      retry: { initialDelay: '20ms', maxDelay: '200ms' },
      ...options.output,
    })),
    telemetry: { listen: 'off' },
    ...options.config,
  };
}
