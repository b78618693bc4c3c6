import { writeFileSync } from 'node:fs';
import { suggest } from '../config/suggestion.ts';
import { AuditailError, messageOf } from '../errors.ts';
import { AlertReplay } from '../inspect/alert-replay.ts';
import { openAlertRules } from '../inspect/alert-rules.ts';
import { EventWalk } from '../inspect/event-walk.ts';
import { DIMENSIONS, Statistics } from '../inspect/statistics.ts';
import type { Dimension } from '../inspect/statistics.ts';
import { alertsSection } from './alerts-html.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { InputProgress } from './input-progress.ts';
import type { FilterFlags, InputFlags } from './recorded-input.ts';
import { complainOf, openFilterFile, openNamedFilter, openRecorded, problemsError } from './recorded-input.ts';
import { statsHtml } from './stats-html.ts';
import { statsCsv, statsJson, statsTable } from './stats-text.ts';

export interface StatsFlags extends FilterFlags, InputFlags {
  readonly whatIf?: string;
  readonly by?: string;
  readonly top: string;
  readonly format: string;
  readonly out?: string;
  readonly alertRules?: string;
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
  const alerts = openAlerts(flags);
  const log = await openRecorded(files, flags, context);
  const walk = new EventWalk();
  const progress = new InputProgress(context.terminal, log);
  try {
    for await (const block of log.blocks()) {
      walk.walk(block, (event, where) => {
        statistics.add(event);
        alerts?.see(event, where);
      });
      progress.show();
    }
  } finally {
    progress.end();
  }
  const exit = complainOf(walk, context);
  const report = statistics.report(top);
  const text =
    alerts === undefined
      ? FORMATS[flags.format as keyof typeof FORMATS](report)
      : statsHtml(report, alertsSection(alerts));
  if (flags.out === undefined) context.terminal.print(text);
  else write(flags.out, text);
  return exit;
}

/** The page may tell of alerts as well: what these rules would have told of the same events. */
function openAlerts({ alertRules, format }: StatsFlags): AlertReplay | undefined {
  if (alertRules === undefined) return undefined;
  if (format !== 'html') {
    throw new AuditailError('AUD_USAGE', '--alert-rules goes with --format html', {
      hint: '`auditail alerts replay` has a table and JSON.',
    });
  }
  const { rules, problems } = openAlertRules({ rules: [alertRules], overrides: {} });
  if (problems.length > 0) throw problemsError(problems);
  return new AlertReplay(rules, { groups: 10_000, values: 1000, toleranceMs: 30_000 });
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
