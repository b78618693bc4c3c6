import { writeFileSync } from 'node:fs';
import { suggest } from '../config/suggestion.ts';
import { AuditailError, messageOf } from '../errors.ts';
import { EventWalk } from '../inspect/event-walk.ts';
import { DIMENSIONS, Statistics } from '../inspect/statistics.ts';
import type { Dimension } from '../inspect/statistics.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { InputProgress } from './input-progress.ts';
import type { FilterFlags, InputFlags } from './recorded-input.ts';
import { complainOf, openFilterFile, openNamedFilter, openRecorded } from './recorded-input.ts';
import { statsHtml } from './stats-html.ts';
import { statsCsv, statsJson, statsTable } from './stats-text.ts';

export interface StatsFlags extends FilterFlags, InputFlags {
  readonly whatIf?: string;
  readonly by?: string;
  readonly top: string;
  readonly format: string;
  readonly out?: string;
}

const FORMATS = { table: statsTable, json: statsJson, csv: statsCsv, html: statsHtml } as const;

/** `auditail stats`: what the trail is made of, and what a filter would save. */
export async function stats(files: readonly string[], flags: StatsFlags, context: Context): Promise<ExitCode> {
  if (!Object.hasOwn(FORMATS, flags.format)) {
    throw new AuditailError(
      'AUD_USAGE',
      `--format must be one of ${Object.keys(FORMATS).join(', ')}, not ${flags.format}`,
    );
  }
  const top = Number(flags.top);
  if (!Number.isInteger(top) || top < 1)
    throw new AuditailError('AUD_USAGE', `--top must be 1 or more, not ${flags.top}`);
  const filter = openNamedFilter(flags, context);
  const whatIf = flags.whatIf === undefined ? undefined : openFilterFile(flags.whatIf, flags.output, context);
  const statistics = new Statistics({
    by: dimensions(flags.by, filter !== undefined || whatIf !== undefined),
    ...(filter === undefined ? {} : { filter }),
    ...(whatIf === undefined ? {} : { whatIf }),
  });
  const log = await openRecorded(files, flags, context);
  const walk = new EventWalk();
  const progress = new InputProgress(context.terminal, log);
  try {
    for await (const block of log.blocks()) {
      walk.walk(block, (event) => statistics.add(event));
      progress.show();
    }
  } finally {
    progress.end();
  }
  const exit = complainOf(walk, context);
  const text = FORMATS[flags.format as keyof typeof FORMATS](statistics.report(top));
  if (flags.out === undefined) context.terminal.print(text);
  else write(flags.out, text);
  return exit;
}

function dimensions(by: string | undefined, hasFilter: boolean): readonly Dimension[] {
  if (by === undefined) return DIMENSIONS.filter((dimension) => dimension !== 'rule' || hasFilter);
  return by.split(',').map((name) => {
    const found = DIMENSIONS.find((dimension) => dimension === name);
    if (found !== undefined && (found !== 'rule' || hasFilter)) return found;
    const meant = suggest(name, DIMENSIONS);
    throw new AuditailError('AUD_USAGE', `--by: there is nothing to count by ${JSON.stringify(name)}`, {
      hint:
        found === 'rule'
          ? 'Name a filter with --config, --filter-file or --what-if.'
          : meant === undefined
            ? `There is ${DIMENSIONS.join(', ')}.`
            : `Did you mean ${meant}?`,
    });
  });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, `${text}\n`);
  } catch (error) {
    throw new AuditailError('AUD_USAGE', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
