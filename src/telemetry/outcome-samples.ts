import type { PipelineStatus } from '../inspect/status.ts';
import type { Sample } from './measure.ts';

/** Events of a pipeline by outcome, reason and rule. */
export function eventSamples({ source, output, totals }: PipelineStatus): readonly Sample[] {
  const sample = (outcome: string, value: number, reason = '', rule = ''): Sample => ({
    labels: { source, output, outcome, reason, rule },
    value,
  });
  return [
    sample('delivered', totals.delivered),
    ...Object.entries(totals.filtered).map(([rule, value]) => sample('filtered', value, '', rule)),
    ...Object.entries(totals.deadLettered).map(([reason, value]) => sample('dead_lettered', value, reason)),
    ...Object.entries(totals.lost).map(([reason, value]) => sample('lost', value, reason)),
  ];
}

/** Bytes of a pipeline by outcome. */
export function byteSamples({ source, output, totals }: PipelineStatus): readonly Sample[] {
  const outcomes: Readonly<Record<string, number>> = {
    delivered: totals.deliveredBytes,
    filtered: totals.filteredBytes,
    dead_lettered: totals.deadLetteredBytes,
    lost: totals.lostBytes,
    skipped: totals.skippedBytes,
  };
  return Object.entries(outcomes).map(([outcome, value]) => ({ labels: { source, output, outcome }, value }));
}
