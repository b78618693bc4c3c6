import fs from 'node:fs';
import path from 'node:path';
import type { FileSourceConfig } from '../config/schema.ts';
import { messageOf, systemCode } from '../errors.ts';
import { LogNames } from '../log/file-name.ts';
import type { Finding } from '../output/output.ts';
import type { ApiServerFlags } from './api-server-flags.ts';
import { readApiServerFlags } from './api-server-flags.ts';
import { LAYOUTS } from './layouts.ts';

const LOGROTATE = ['/etc/logrotate.conf', '/etc/logrotate.d'];
const MAX_FILE_BYTES = 1024 * 1024;
/** lumberjack counts megabytes of 2^20 bytes. */
const DEFAULT_MAXSIZE_MB = 100;
/** A receiver that is away over lunch should cost nothing. */
const ENOUGH_SECONDS = 4 * 3600;

/**
 * What this node's own files say of the API server's audit log: how it is started and rotated. Looks at the places that
 * the known distributions use, as far as they may be read. `root`: where the node's files begin, for tests.
 */
export function checkControlPlane(sources: readonly FileSourceConfig[], root = '/'): readonly Finding[] {
  const findings: Finding[] = [];
  for (const layout of LAYOUTS) {
    for (const manifest of layout.manifests) {
      const text = readText(path.join(root, manifest));
      if (typeof text !== 'string') {
        if (text !== null) findings.push(text);
        continue;
      }
      const started = readApiServerFlags(text);
      if (started !== null && (started.flags.size > 0 || !manifest.endsWith('config.yaml')))
        findings.push(...checkFlags(`${manifest} (${layout.name})`, started, sources, root));
    }
  }
  const logs = new Set(sources.map((source) => path.resolve(source.path)));
  return [...findings, ...checkLogrotate([...logs], root), ...otherLogs(logs, root)];
}

/** The usual logs that are there, for somebody whose path is wrong. */
export function usualLogs(root = '/'): readonly { readonly path: string; readonly layout: string }[] {
  return LAYOUTS.flatMap(({ name, logs }) =>
    logs.filter((log) => fs.existsSync(path.join(root, log))).map((log) => ({ path: log, layout: name })),
  );
}

function checkFlags(
  origin: string,
  started: ApiServerFlags,
  sources: readonly FileSourceConfig[],
  root: string,
): readonly Finding[] {
  const { flags } = started;
  const log = flags.get('log-path');
  if (log === undefined) {
    return [
      {
        level: 'warning',
        text: `${origin}: the API server is started without --audit-log-path: there is no log to follow`,
        hint: 'Add --audit-log-path and --audit-policy-file, and mount the log’s directory.',
      },
    ];
  }
  if (log === '-') {
    const text = `${origin}: the audit log goes to the API server’s standard output`;
    if (sources.some(({ format }) => format === 'cri')) return [{ level: 'ok', text }];
    const hint =
      'Give --audit-log-path a file, follow the files that kubelet keeps of it (format: cri), or pipe it into auditail --stdin.';
    return [{ level: 'warning', text, hint }];
  }
  const host = started.hostPath(log);
  const findings: Finding[] = [{ level: 'ok', text: `${origin}: --audit-log-path is ${host.path} on this node` }];
  const warn = (text: string, hint: string) =>
    void findings.push({ level: 'warning', text: `${origin}: ${text}`, hint });
  if (host.mount === 'file') {
    warn(
      'the log is mounted as a single file: the API server cannot rename it, and rotation fails or writes into the container',
      `Mount its directory ${path.dirname(host.path)} instead.`,
    );
  }
  if (!sources.some((source) => path.resolve(source.path) === host.path)) {
    warn(`no source follows ${host.path}`, 'In a container the path may be another one: compare with its mounts.');
  }
  if (flags.get('log-format') === 'legacy') {
    warn('--audit-log-format=legacy writes no JSON', 'Take the flag away: json is the default.');
  }
  if (flags.get('log-mode') === 'batch') {
    warn(
      '--audit-log-mode=batch drops events when its buffer is full, and when the API server is killed',
      'Take the flag away: blocking is the default for the log.',
    );
  }
  if (flags.get('log-truncate-enabled') === 'true') {
    warn(
      '--audit-log-truncate-enabled takes the bodies of large events away before they are written',
      'Without it they are in the log whole, and a filter can cut them for each output.',
    );
  }
  findings.push(...checkRotation(origin, flags, path.join(root, host.path)));
  return findings;
}

function checkRotation(origin: string, flags: ReadonlyMap<string, string>, log: string): readonly Finding[] {
  const backups = Number(flags.get('log-maxbackup') ?? 0);
  const days = Number(flags.get('log-maxage') ?? 0);
  const megabytes = Number(flags.get('log-maxsize') ?? 0) || DEFAULT_MAXSIZE_MB;
  const finding = (text: string, hint: string): Finding => ({ level: 'warning', text: `${origin}: ${text}`, hint });
  if (megabytes > 1_000_000) {
    return [
      finding(
        `--audit-log-maxsize=${megabytes} means that the API server never rotates: somebody else does, with copytruncate`,
        'Let the API server rotate (--audit-log-maxsize=100 --audit-log-maxbackup=10): what others truncate has gaps.',
      ),
    ];
  }
  if (backups === 0 && days === 0) {
    const text = 'neither --audit-log-maxbackup nor --audit-log-maxage: backups are never deleted, and fill the disk';
    return [finding(text, 'Set --audit-log-maxbackup=10, or what the disk has room for.')];
  }
  const pace = paceOf(log);
  const byCount = backups === 0 || pace === null ? Number.POSITIVE_INFINITY : backups * pace;
  const history = Math.min(byCount, days === 0 ? Number.POSITIVE_INFINITY : days * 86_400);
  if (history < ENOUGH_SECONDS) {
    const text = `backups last for about ${Math.round(history / 60)} minutes: a receiver that is away longer loses events`;
    return [finding(text, 'Raise --audit-log-maxbackup or --audit-log-maxsize, or let auditail pin what is unread.')];
  }
  if (pace === null && backups > 0 && backups * megabytes < 200) {
    const text = `${backups} backups of ${megabytes} MB are all the history there is`;
    return [
      finding(text, 'A busy API server writes that in minutes: raise --audit-log-maxbackup or --audit-log-maxsize.'),
    ];
  }
  return [];
}

/** Seconds from one rotation to the next, as the names of the backups say; null where there are not enough. */
function paceOf(log: string): number | null {
  const names = new LogNames(log);
  let present: readonly string[];
  try {
    present = fs.readdirSync(names.directory);
  } catch {
    // Whether the directory can be listed is said elsewhere.
    return null;
  }
  const instants = [...new Set(present.flatMap((name) => names.parse(name)?.instantMs ?? []))].sort((a, b) => a - b);
  const [first] = instants;
  const last = instants.at(-1);
  if (first === undefined || last === undefined || instants.length < 3) return null;
  return (last - first) / 1000 / (instants.length - 1);
}

function checkLogrotate(logs: readonly string[], root: string): readonly Finding[] {
  const files = LOGROTATE.flatMap((name) => {
    const file = path.join(root, name);
    try {
      return fs.statSync(file).isDirectory() ? fs.readdirSync(file).map((inner) => path.join(name, inner)) : [name];
    } catch {
      // There is no logrotate here, or it is not for us to read.
      return [];
    }
  });
  return files.flatMap((name) => {
    const text = readText(path.join(root, name));
    if (typeof text !== 'string') return [];
    const log = logs.find((one) => mentions(text, one));
    if (log === undefined) return [];
    const how = /^\s*copytruncate\b/m.test(text) ? 'with copytruncate, which loses what is written meanwhile' : 'too';
    return [
      {
        level: 'warning' as const,
        text: `${name} rotates ${log} ${how}`,
        hint: 'Let the API server do it alone: --audit-log-maxsize and --audit-log-maxbackup.',
      },
    ];
  });
}

/** Whether one of the file names or patterns of a logrotate configuration matches the log. */
function mentions(text: string, log: string): boolean {
  const patterns = text.split(/\s+/).filter((word) => word.startsWith('/') || word.startsWith('"/'));
  return patterns.some((word) => {
    const parts = word.replaceAll('"', '').replace(/\{$/, '').split('*');
    const pattern = parts.map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)).join('[^/]*');
    return new RegExp(`^${pattern}$`).test(log);
  });
}

/** A log of a known place that is there and that no source follows: OpenShift has four. */
function otherLogs(followed: ReadonlySet<string>, root: string): readonly Finding[] {
  return usualLogs(root)
    .filter((log) => !followed.has(log.path))
    .map(({ path: log, layout }) => ({
      level: 'warning',
      text: `${log} is there (as on ${layout}), and no source follows it`,
      hint: 'Add a source for it, if it is an audit log that should be delivered.',
    }));
}

/** The text of a file; null where it is not there, a finding where it may not be read. */
function readText(file: string): string | Finding | null {
  try {
    const stat = fs.statSync(file);
    return stat.isFile() && stat.size <= MAX_FILE_BYTES ? fs.readFileSync(file, 'utf8') : null;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    return {
      level: 'ok',
      text: `${file} cannot be read, so how the API server is started is not known: ${messageOf(error)}`,
    };
  }
}
