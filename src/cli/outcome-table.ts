import type { Counts } from '../state/checkpoint.ts';
import { total } from '../state/counts.ts';
import { humanCount } from './human.ts';
import { formatTable } from './table.ts';

export interface Outcome {
  readonly source: string;
  readonly output: string;
  readonly totals: Counts;
  readonly losses: number;
}

/** The balance: read = delivered + filtered + set aside + lost; and how many losses of the log the ledger has beside it. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  const columns = ['source', 'output', 'events read', 'delivered', 'filtered', 'set aside', 'lost', 'losses of log'];
  return formatTable(
    columns.map((title, at) => ({ title, align: at < 2 ? 'left' : 'right' })),
    outcomes.map(({ source, output, totals, losses }) => [
      source,
      output,
      humanCount(totals.readEvents),
      humanCount(totals.delivered),
      humanCount(total(totals.filtered)),
      humanCount(total(totals.deadLettered)),
      humanCount(total(totals.lost)),
      humanCount(losses),
    ]),
  );
}
