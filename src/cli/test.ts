import { writeFileSync } from 'node:fs';
import { AuditailError, messageOf } from '../errors.ts';
import { EventWalk } from '../inspect/event-walk.ts';
import { ExpectationRun } from '../inspect/expectations.ts';
import { readExpectations } from '../inspect/expectation-file.ts';
import type { ExpectationFile } from '../inspect/expectation-file.ts';
import type { OpenedFilter } from '../inspect/opened-filter.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { FilterFlags, InputFlags } from './recorded-input.ts';
import {
  checkRule,
  complainOf,
  openFilterFile,
  openNamedFilter,
  openRecorded,
  problemsError,
} from './recorded-input.ts';
import { describeResults, junit, summariseResults } from './test-text.ts';
import type { FileResults } from './test-text.ts';

export interface TestFlags extends FilterFlags, InputFlags {
  readonly events?: string;
  readonly junit?: string;
}

/** `auditail test`: holds a filter to what is expected of it, on recorded events; 1 where it is otherwise. */
export async function test(files: readonly string[], flags: TestFlags, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  // Everything is looked at before the first event is: a mistake in the last file should not take a minute to show.
  const read = files.map((file) => {
    const found = readExpectations(file);
    if ('problems' in found) throw problemsError(found.problems);
    return { file: found, filter: filterOf(found, flags, context) };
  });
  const all: FileResults[] = [];
  let exit: ExitCode = EXIT.done;
  for (const { file, filter } of read) {
    const { results, events, seconds, complete } = await runFile(file, filter, flags, context);
    all.push({ file: file.file, results, events, seconds });
    if (!complete || results.some(({ failureCount }) => failureCount > 0)) exit = EXIT.failed;
  }
  for (const one of all) terminal.print(describeResults(one, (style, text) => terminal.style(style, text)).join('\n'));
  terminal.print(summariseResults(all, (style, text) => terminal.style(style, text)).join('\n'));
  if (flags.junit !== undefined) write(flags.junit, junit(all));
  return exit;
}

function filterOf(file: ExpectationFile, flags: FilterFlags, context: Context): OpenedFilter {
  const named = openNamedFilter(flags, context);
  const filter = named ?? (file.filter === undefined ? undefined : openFilterFile(file.filter, flags.output, context));
  if (filter === undefined) {
    throw new AuditailError('AUD_USAGE', `${file.file} says nothing of a filter`, {
      hint: 'Name one with --config, --filter-file, or filter: in the file.',
    });
  }
  for (const { rule, place } of file.expectations) if (rule !== undefined) checkRule(rule, filter, `${place}: `);
  return filter;
}

async function runFile(file: ExpectationFile, filter: OpenedFilter, flags: TestFlags, context: Context) {
  const names = flags.events === undefined ? file.events : [flags.events];
  if (names.length === 0) {
    throw new AuditailError('AUD_USAGE', `${file.file} says nothing of recorded events`, {
      hint: 'Name them with --events, or events: in the file.',
    });
  }
  const startedMs = performance.now();
  const log = await openRecorded(names, flags, context);
  const run = new ExpectationRun(filter, file.expectations);
  const walk = new EventWalk();
  for await (const block of log.blocks()) walk.walk(block, (event, where) => run.see(event, where));
  const complete = complainOf(walk, context) === EXIT.done;
  return { results: run.end(), events: walk.events, seconds: (performance.now() - startedMs) / 1000, complete };
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new AuditailError('AUD_USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
