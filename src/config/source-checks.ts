import { statSync } from 'node:fs';
import path from 'node:path';
import type { Report, Sound } from './report.ts';
import type { FileSourceConfig, SourceConfig, WebhookSourceConfig } from './schema.ts';

/** What the schema cannot say of the sources: whether their paths make sense together and on this machine. */
export function checkSources(sources: Sound<SourceConfig>, stateDirectory: string, report: Report): void {
  const seen = new Map<string, number>();
  const pipes = sources.filter(({ item }) => item.type === 'stdin');
  for (const { at } of pipes.slice(1)) {
    report({
      path: ['sources', at, 'type'],
      message: 'there is one standard input, and another source reads it already',
    });
  }
  const listening = new Map<string, number>();
  for (const { at, item } of sources) {
    if (item.type === 'webhook') {
      checkWebhook(item, at, report);
      const before = listening.get(item.listen);
      if (before === undefined) listening.set(item.listen, at);
      else report({ path: ['sources', at, 'listen'], message: `is the same address as sources[${before}].listen` });
    }
    if (item.type !== 'file') continue;
    if (item.format === 'cri') checkCriPath(item, at, report);
    else checkLogPath(item, at, stateDirectory, report);
    const before = seen.get(path.resolve(item.path));
    if (before === undefined) seen.set(path.resolve(item.path), at);
    else report({ path: ['sources', at, 'path'], message: `is the same file as sources[${before}].path` });
  }
}

/** Whoever may post may write into the trail. */
function checkWebhook({ listen, tls, bearer, spool }: WebhookSourceConfig, at: number, report: Report): void {
  const where = ['sources', at];
  const host = listen.slice(0, listen.lastIndexOf(':'));
  const loopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
  if (tls === undefined && !loopback) {
    report({ path: where, message: 'needs tls: only a loopback address may do without it' });
  }
  if (tls === undefined && bearer !== undefined) {
    report({ path: [...where, 'bearer'], message: 'the API server sends no token without TLS; set tls' });
  }
  if (tls?.clients !== undefined && tls.clientCA === undefined) {
    report({ path: [...where, 'tls', 'clients'], message: 'needs tls.clientCA, which says whose certificates count' });
  }
  if (tls?.clientCA === undefined && bearer === undefined) {
    const message = 'whoever reaches this address can write events into the trail; set tls.clientCA or bearer';
    report({ path: where, level: 'warning', message });
  }
  if (typeof bearer === 'string') {
    const message = 'is a secret in plain text; { env: NAME } or { file: PATH } keeps it out of this file';
    report({ path: [...where, 'bearer'], level: 'warning', message });
  }
  if (spool.fsync === 'off') {
    const message =
      'a post is answered before it is on disk: a power failure takes what the API server counts as stored';
    report({ path: [...where, 'spool', 'fsync'], level: 'warning', message });
  }
}

function checkCriPath({ path: pattern }: FileSourceConfig, at: number, report: Report): void {
  const where = ['sources', at, 'path'];
  if (!path.isAbsolute(pattern)) report({ path: where, message: 'must be an absolute path' });
  if (!/\/(\*|\d+)\.log$/.test(pattern)) {
    const message =
      'must name the files of one container, such as /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log';
    report({ path: where, message });
  }
  if (/[?[\]]/.test(pattern)) report({ path: where, message: 'knows no pattern but *' });
}

function checkLogPath(source: FileSourceConfig, at: number, stateDirectory: string, report: Report): void {
  const where = ['sources', at, 'path'];
  if (/[*?[\]]/.test(source.path)) {
    report({
      path: where,
      message:
        "must be the live file itself, as in the API server's --audit-log-path; its backups are found without a pattern",
    });
    return;
  }
  if (source.path === '-') {
    report({ path: where, message: '- is no file; to read a pipe, use a source of type stdin (or --stdin)' });
    return;
  }
  if (isDirectory(source.path)) {
    report({
      path: where,
      message: `is a directory; name the file in it, e.g. ${path.join(source.path, 'audit.log')}`,
    });
    return;
  }
  if (!path.isAbsolute(source.path)) {
    report({
      path: where,
      level: 'warning',
      message: `is relative: taken from the working directory, now ${path.resolve(source.path)}`,
    });
  }
  const logDirectory = path.dirname(path.resolve(source.path));
  if (logDirectory !== '/' && isWithin(path.resolve(stateDirectory), logDirectory)) {
    report({
      path: ['stateDirectory'],
      level: 'warning',
      message: `lies in the log's own directory ${logDirectory}: whatever fills or cleans that takes the state with it`,
    });
  }
}

function isDirectory(file: string): boolean {
  // What cannot be looked at is for `check` and the agent to report, with the reason.
  return file.endsWith('/') || (statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

export function isWithin(inner: string, outer: string): boolean {
  const relative = path.relative(outer, inner);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}
