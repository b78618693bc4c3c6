import { statSync } from 'node:fs';
import path from 'node:path';
import type { Report, Sound } from './report.ts';
import type { FileSourceConfig, SourceConfig } from './schema.ts';

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
  for (const { at, item } of sources) {
    if (item.type !== 'file') continue;
    checkLogPath(item, at, stateDirectory, report);
    const before = seen.get(path.resolve(item.path));
    if (before === undefined) seen.set(path.resolve(item.path), at);
    else report({ path: ['sources', at, 'path'], message: `is the same file as sources[${before}].path` });
  }
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
