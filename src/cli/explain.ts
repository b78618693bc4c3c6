import { AuditailError } from '../errors.ts';
import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import { EventWalk } from '../inspect/event-walk.ts';
import type { Where } from '../inspect/event-walk.ts';
import { compareFilters, explainEvent } from '../inspect/explain.ts';
import { fateOf, openFilter } from '../inspect/opened-filter.ts';
import type { OpenedFilter } from '../inspect/opened-filter.ts';
import type { RecordedLog } from '../inspect/recorded-log.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { Outcomes, describeDifference, describeExplanation, plainJson } from './explain-text.ts';
import type { FilterFlags, InputFlags } from './recorded-input.ts';
import { checkRule, complainOf, openFilterFile, openNamedFilter, openRecorded, writeLines } from './recorded-input.ts';

export interface ExplainFlags extends FilterFlags, InputFlags {
  readonly rule?: string;
  readonly id?: string;
  readonly limit?: string;
  readonly diff?: true;
  readonly bytes?: true;
  readonly json?: true;
}

/** `auditail explain`: what the filter does to recorded events, and why. */
export async function explain(words: readonly string[], flags: ExplainFlags, context: Context): Promise<ExitCode> {
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : Number(flags.limit);
  if (!(limit >= 0)) throw new AuditailError('AUD_USAGE', `--limit must be a number, not ${flags.limit}`);
  const pair = flags.diff === true ? openPair(words, flags, context) : undefined;
  const opened = pair?.after ?? openNamedFilter(flags, context) ?? openFilter('no filter', { keep: [], drop: [] });
  if (flags.rule !== undefined) checkRuleOf(flags.rule, opened, pair?.before);
  const files = pair === undefined ? words : words.slice(2);
  if (files.length === 0) {
    throw new AuditailError('AUD_USAGE', 'no files are named', { hint: 'Name recorded events, or - for a pipe.' });
  }
  const describe =
    pair === undefined ? explaining(opened, flags, context) : differing(pair.before, pair.after, flags, context);
  return show(await openRecorded(files, flags, context), { ...describe, limit }, flags, context);
}

function openPair([before, after]: readonly string[], { output }: FilterFlags, context: Context) {
  if (before === undefined || after === undefined) {
    throw new AuditailError('AUD_USAGE', '--diff needs two filters before the events', {
      hint: 'auditail explain --diff OLD.yaml NEW.yaml audit.log',
    });
  }
  return { before: openFilterFile(before, output, context), after: openFilterFile(after, output, context) };
}

function checkRuleOf(rule: string, opened: OpenedFilter, before: OpenedFilter | undefined): void {
  const named = opened.filter.rules.concat(before?.filter.rules ?? [], opened.rules, before?.rules ?? []);
  checkRule(rule, { ...opened, rules: named });
}

interface Describe {
  /** The lines about an event, none unless `shown`, and null where it is not asked for; it is counted in any case. */
  readonly about: (event: Event, where: Where, shown: boolean) => readonly string[] | null;
  readonly outcomes: Outcomes;
}

function explaining(opened: OpenedFilter, flags: ExplainFlags, { terminal }: Context): Describe {
  const outcomes = new Outcomes();
  const withBytes = flags.bytes === true || flags.json === true;
  return {
    outcomes,
    about(event, where, shown) {
      const { outcome, rule, bytes } = fateOf(opened, event);
      outcomes.count(outcome, rule, event.end - event.start, bytes);
      if (flags.rule !== undefined && flags.rule !== rule) return null;
      if (!shown) return [];
      const explanation = explainEvent(opened, event, where, withBytes);
      if (flags.json === true) return [plainJson(explanation)];
      return describeExplanation(explanation, (style, text) => terminal.style(style, text));
    },
  };
}

function differing(before: OpenedFilter, after: OpenedFilter, flags: ExplainFlags, { terminal }: Context): Describe {
  const outcomes = new Outcomes();
  return {
    outcomes,
    about(event, where, shown) {
      const difference = compareFilters(before, after, event, where);
      if (difference === null) {
        outcomes.count('same', null, event.end - event.start, event.end - event.start);
        return null;
      }
      const { kind, oldRule, newRule, oldBytes, newBytes } = difference;
      outcomes.count(kind, oldRule ?? newRule, oldBytes, newBytes);
      if (flags.rule !== undefined && flags.rule !== oldRule && flags.rule !== newRule) return null;
      if (!shown) return [];
      if (flags.json === true) return [plainJson(difference)];
      return describeDifference(difference, (style, text) => terminal.style(style, text));
    },
  };
}

async function show(
  log: RecordedLog,
  { about, outcomes, limit }: Describe & { readonly limit: number },
  flags: ExplainFlags,
  context: Context,
): Promise<ExitCode> {
  const walk = new EventWalk();
  let shown = 0;
  for await (const block of log.blocks()) {
    const lines: string[] = [];
    walk.walk(block, (event, where) => {
      if (flags.id !== undefined && event.text(SLOT.auditID) !== flags.id) return;
      const said = about(event, where, shown < limit);
      if (said === null) return;
      shown += 1;
      for (const line of said) lines.push(line);
    });
    await writeLines(lines, context);
  }
  if (shown > limit) context.terminal.complain(`${shown - limit} more are not shown (--limit ${limit})`);
  const exit = complainOf(walk, context);
  if (flags.json !== true) await writeLines(outcomes.table(flags.diff === true), context);
  return exit;
}
