import path from 'node:path';
import { LogNames } from '../log/file-name.ts';
import { headerTemplateFault } from './header-template.ts';
import { formatBytes } from './units.ts';
import type { Report, Sound } from './report.ts';
import type {
  ElasticsearchOutputConfig,
  HttpOutputConfig,
  LokiOutputConfig,
  NetworkOutputConfig,
  OutputConfig,
} from './schema.ts';

/** Loki's gRPC limit for a push, before compression; what is larger is answered with a 500 (measured, Loki 3.7). */
const LOKI_MAX_PUSH = 4 * 2 ** 20;
/** Loki's default max_label_names_per_series; three of them are taken for cluster, node and audit_level. */
const LOKI_MAX_LABELS = 15 - 3;

/** Headers that say how a request is put together: with another value no request could ever be read. */
const OF_HTTP = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What the schema cannot say of a single output. */
export function checkOutputs(outputs: Sound<OutputConfig>, metadata: readonly string[], report: Report): void {
  for (const { at, item } of outputs) {
    if (item.type === 'elasticsearch') checkTarget(item, at, report);
    if (item.type === 'loki') checkLoki(item, at, report);
    if (item.order === 'live-first') checkLiveFirst(item, at, report);
    if ('url' in item) checkNetwork(item, at, report);
    if (item.type === 'http') checkHeaderTemplates(item, at, metadata, report);
    if (item.retry.maxDelay < item.retry.initialDelay) {
      report({
        path: ['outputs', at, 'retry', 'maxDelay'],
        message: 'is shorter than retry.initialDelay',
        atKey: true,
      });
    }
  }
}

/** What rests on the order of the events takes them as they were made. */
function checkLiveFirst({ type, filter }: OutputConfig, at: number, report: Report): void {
  const key = ['outputs', at, 'order'];
  if (type === 'loki') {
    report({
      path: key,
      message: 'must be oldest-first: Loki refuses events that are much older than the newest it has',
    });
  } else if (filter.throttle.length > 0) {
    report({
      path: key,
      message: 'must be oldest-first: a throttle counts events in the order in which they were made',
    });
  }
}

function checkTarget(output: ElasticsearchOutputConfig, at: number, report: Report): void {
  const { index, dataStream } = output;
  if (index !== undefined && dataStream !== undefined) {
    report({ path: ['outputs', at, 'dataStream'], message: 'takes either index or dataStream, not both', atKey: true });
  } else if (index === undefined && dataStream === undefined) {
    report({
      path: ['outputs', at],
      message: 'needs index (e.g. audit-{yyyy.MM.dd}) or dataStream (e.g. logs-kubernetes.audit-default)',
    });
  }
  if (index !== undefined) {
    const fault = indexFault(index.replaceAll(/\{(?:yyyy|MM|dd|[._-])+\}/g, '2000'));
    if (fault !== undefined) report({ path: ['outputs', at, 'index'], message: fault });
  }
  if (dataStream !== undefined) {
    const fault = /[{}]/.test(dataStream)
      ? 'is one fixed name: a data stream rolls over by itself'
      : indexFault(dataStream);
    if (fault !== undefined) report({ path: ['outputs', at, 'dataStream'], message: fault });
  }
}

/** Elasticsearch's rules for names of indexes and data streams ("Create index API", path parameters). */
function indexFault(name: string): string | undefined {
  if (name !== name.toLowerCase()) return `must be lower case: ${name.toLowerCase()}`;
  if (/[{}]/.test(name))
    return 'has a placeholder that is not known; {yyyy.MM.dd} is, or another order of yyyy, MM and dd';
  const forbidden = /[\\/*?"<>|\s,#:]/.exec(name);
  if (forbidden !== null) return `must not hold ${JSON.stringify(forbidden[0])}`;
  if (/^[-_+]/.test(name)) return 'must not begin with -, _ or +';
  if (name === '.' || name === '..') return 'is no name';
  return Buffer.byteLength(name) > 255 ? 'must be 255 bytes at most' : undefined;
}

function checkLoki(output: LokiOutputConfig, at: number, report: Report): void {
  const names = Object.keys(output.labels);
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.startsWith('__')) {
      report({
        path: ['outputs', at, 'labels', name],
        message: 'is no label for Loki: letters, digits and underscores, not beginning with a digit or two underscores',
        atKey: true,
      });
    }
  }
  if (names.length > LOKI_MAX_LABELS) {
    report({
      path: ['outputs', at, 'labels'],
      message: `are ${names.length}; Loki takes ${LOKI_MAX_LABELS} besides those that are added`,
    });
  }
  if (names.length === 0)
    report({ path: ['outputs', at, 'labels'], message: 'must be one label at least, e.g. job: kube-audit' });
  if (output.batch.maxBytes > LOKI_MAX_PUSH) {
    const limit = formatBytes(LOKI_MAX_PUSH);
    report({
      path: ['outputs', at, 'batch', 'maxBytes'],
      level: 'warning',
      message: `is more than Loki takes in one push; batches will be cut below ${limit}`,
    });
  }
}

function checkNetwork(output: NetworkOutputConfig, at: number, report: Report): void {
  const { tls, auth } = output;
  const urls = typeof output.url === 'string' ? [output.url] : output.url;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? 'cert' : 'key';
    report({
      path: ['outputs', at, 'tls'],
      message: `a client certificate needs both cert and key; ${missing} is missing`,
    });
  }
  if (!tls.verify) {
    report({
      path: ['outputs', at, 'tls', 'verify'],
      level: 'warning',
      message: 'the receiver is not verified: anybody on the way can read the trail and the credentials',
    });
  }
  const plain = urls.find((url) => url.startsWith('http:') && !/^(localhost|127\.|\[::1\])/.test(new URL(url).host));
  if (plain !== undefined && Object.keys(auth).length > 0) {
    report({
      path: ['outputs', at, 'url'],
      level: 'warning',
      message: 'sends the credentials in clear text; use https://',
    });
  }
  for (const key of Object.keys(output.headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key)) {
      report({ path: ['outputs', at, 'headers', key], message: 'is no name for a header', atKey: true });
    } else if (OF_HTTP.has(key.toLowerCase())) {
      const message = 'is set by auditail itself, from what it sends';
      report({ path: ['outputs', at, 'headers', key], message, atKey: true });
    }
  }
}

function checkHeaderTemplates(output: HttpOutputConfig, at: number, metadata: readonly string[], report: Report): void {
  const context = { hasEvent: output.format === 'event', metadata };
  for (const [name, value] of Object.entries(output.headers)) {
    const message = typeof value === 'string' ? headerTemplateFault(value, context) : undefined;
    if (message !== undefined) report({ path: ['outputs', at, 'headers', name], message });
  }
}

/** Paths of files that outputs write: apart from each other, and never into the log that is being read. */
export function checkFilePaths(outputs: Sound<OutputConfig>, logs: readonly string[], report: Report): void {
  const seen = new Map<string, number>();
  for (const { at, item } of outputs) {
    if (item.type !== 'file') continue;
    const file = path.resolve(item.path);
    const before = seen.get(file);
    if (before !== undefined)
      report({ path: ['outputs', at, 'path'], message: `is the same file as outputs[${before}].path` });
    seen.set(file, at);
    if (logs.includes(file)) {
      report({
        path: ['outputs', at, 'path'],
        message: 'is the log that is read: every event would come back for ever',
      });
    }
    if (logs.some((log) => isBackupOf(log, file))) {
      report({
        path: ['outputs', at, 'path'],
        message: 'has the name of a backup of the log that is read: every event would come back for ever',
      });
    }
    if (!path.isAbsolute(item.path)) {
      report({
        path: ['outputs', at, 'path'],
        level: 'warning',
        message: `is relative: taken from the working directory, now ${file}`,
      });
    }
  }
}

/** Whether the API server would name a backup of the log so, and it would be read as one. */
function isBackupOf(log: string, file: string): boolean {
  const names = new LogNames(log);
  return path.dirname(file) === names.directory && names.parse(path.basename(file)) !== null;
}
