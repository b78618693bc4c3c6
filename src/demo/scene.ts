import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from './audit-log.ts';
import { contentId } from './content.ts';
import type { Endpoint } from './endpoint.ts';
import { seededRandom } from './random.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { recordedEvents } from './recorded-event.ts';
import { EventWriter } from './writer.ts';

/** Everything around the agent: a log, its writer, three receivers, a configuration, all in a temporary directory. */
export interface Scene {
  readonly log: AuditLog;
  readonly writer: EventWriter;
  /** Content ids of all events written so far. */
  readonly written: ReadonlySet<string>;
  readonly receiver: Receiver;
  readonly endpoints: readonly { readonly title: string; readonly endpoint: Endpoint }[];
  readonly configFile: string;
  /** Removes it all. */
  clear(): Promise<void>;
}

export const MAX_SIZE_BYTES = 2_000_000;
const MAX_BACKUPS = 8;
/** What the configuration says, and so the bound on what is sent again after a kill. */
export const MAX_IN_FLIGHT = 2;

export async function setScene(): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), 'auditail-demo-'));
  const receiver = await startReceiver();
  const log = new AuditLog({
    path: join(directory, 'audit', 'audit.log'),
    maxSizeBytes: MAX_SIZE_BYTES,
    maxBackups: MAX_BACKUPS,
    compress: true,
  });
  const written = new Set<string>();
  const writer = new EventWriter({
    log,
    events: recordedEvents(),
    random: seededRandom(Date.now()),
    onLine: (line) => written.add(contentId(line)),
  });
  const configFile = join(directory, 'auditail.yaml');
  writeFileSync(configFile, configuration(directory, log.path, receiver));
  return {
    log,
    writer,
    written,
    receiver,
    endpoints: [
      { title: 'Elasticsearch', endpoint: receiver.elasticsearch },
      { title: 'Loki', endpoint: receiver.loki },
      { title: 'HTTP', endpoint: receiver.http },
    ],
    configFile,
    async clear() {
      await receiver.close();
      await log.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function configuration(directory: string, logPath: string, receiver: Receiver): string {
  // What arrives is held byte by byte against what was written: nothing is redacted on the way.
  const common = `batch: { maxDelay: 200ms, maxInFlight: ${MAX_IN_FLIGHT} }, retry: { initialDelay: 100ms, maxDelay: 1s }, filter: { redact: { enabled: false } }`;
  return `stateDirectory: ${JSON.stringify(join(directory, 'state'))}
metadata: { cluster: demo, node: control-plane-1 }
sources:
  - { name: kube-apiserver, type: file, path: ${JSON.stringify(logPath)}, retain: { minFree: 0% } }
outputs:
  - { name: search, type: elasticsearch, url: '${receiver.elasticsearch.url}', index: audit, ${common} }
  # Longer than Loki takes by default, so that here every event arrives whole.
  - { name: logs, type: loki, url: '${receiver.loki.url}', maxLineBytes: 2Mi, ${common} }
  - { name: hook, type: http, url: '${receiver.http.url}', format: ndjson, ${common} }
telemetry: { listen: 'off' }
`;
}
