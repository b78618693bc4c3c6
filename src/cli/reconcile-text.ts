import type { Reconciliation, SourceAccount } from '../inspect/reconcile/reconcile.ts';
import type { Range } from '../inspect/reconcile/range.ts';
import { agree, exactly } from '../inspect/reconcile/range.ts';
import { humanCount, plural } from './human.ts';

/** One thing that was compared. `unknown`: it could not be. */
export interface Verdict {
  readonly verdict: 'agrees' | 'differs' | 'unknown';
  readonly text: string;
  readonly hint?: string;
}

/** What a reconciliation found, a sentence for each comparison. */
export function verdictsOf({ apiServer, sources, skipped, settled }: Reconciliation): readonly Verdict[] {
  return [
    ...(settled
      ? []
      : [
          {
            verdict: 'unknown' as const,
            text: 'the agent does not run, or has not delivered everything up to the end of the window',
            hint: 'What is not delivered yet shows as missing below. Ask again later, or with a longer --wait.',
          },
        ]),
    ...skipped.map(
      (name): Verdict => ({
        verdict: 'unknown',
        text: `source ${name} is no log of an API server on disk: it is not compared`,
      }),
    ),
    ...apiServerVerdicts(apiServer, sources),
    ...sources.flatMap(sourceVerdicts),
  ];
}

function apiServerVerdicts(
  apiServer: Reconciliation['apiServer'],
  sources: readonly SourceAccount[],
): readonly Verdict[] {
  if (apiServer === null) return [];
  if (!apiServer.ok) return [{ verdict: 'unknown', text: `the API server could not be asked: ${apiServer.words}` }];
  const { inWindow, errors } = apiServer.value;
  const refused: readonly Verdict[] =
    errors === 0
      ? []
      : [
          {
            verdict: 'differs',
            text: `the API server could not write ${plural(errors, 'event')} to its log since its start`,
            hint: 'They are in no log and cannot be had any more: a full disk, or events larger than --audit-log-maxsize. Its own log says which.',
          },
        ];
  if (inWindow === null) {
    const text = 'the API server counts from its start only: its number says nothing of this window';
    const hint = 'Leave --from and --to out, or go on from a former answer with --since.';
    return [...refused, { verdict: 'unknown', text, hint }];
  }
  const [only] = sources;
  if (sources.length !== 1 || only === undefined) {
    return [...refused, { verdict: 'unknown', text: 'several logs: which of them is this API server’s is not known' }];
  }
  return [
    ...refused,
    ...only.outputs.map(({ output, written }): Verdict => {
      const text = `the API server wrote ${show(inWindow)}; the log, with what ${output} has read of it, has ${show(written)}`;
      if (agree(inWindow, written)) return { verdict: 'agrees', text };
      const less = written.most < inWindow.least;
      const hint = less
        ? 'Events were written that are in no file and in no ledger: deleted unread, or removed by somebody.'
        : 'The log holds more than this API server wrote since: another API server writes it, or somebody else does.';
      return { verdict: 'differs', text, hint };
    }),
  ];
}

function sourceVerdicts({ source, files, outputs }: SourceAccount): readonly Verdict[] {
  const bad = files.flatMap(({ unreadable }) => unreadable);
  return [
    ...bad.map((words): Verdict => ({ verdict: 'differs', text: `source ${source}: ${words}` })),
    ...outputs.flatMap(({ output, differences, unsettled, losses, delivered, sink, throttled }): readonly Verdict[] => [
      ...differences.map(({ file, words }): Verdict => ({ verdict: 'differs', text: `${file}: ${words}` })),
      ...unsettled.map(({ file, words }): Verdict => ({ verdict: 'differs', text: `${file}: ${words}` })),
      ...losses.map(
        ({ reason, words, proof, at }): Verdict => ({
          verdict: 'differs',
          text: `${output} lost a part of the log (${reason}, ${proof}, noticed ${at}): ${words}`,
          hint: 'auditail status --ledger has the range, and the events before and after it.',
        }),
      ),
      sinkVerdict(output, delivered, sink, throttled),
    ]),
  ];
}

function sinkVerdict(
  output: string,
  delivered: Range,
  sink: SourceAccount['outputs'][number]['sink'],
  throttled: boolean,
): Verdict {
  if (sink === null) return { verdict: 'unknown', text: `the receiver of ${output} cannot be asked for a count` };
  if (!sink.ok) return { verdict: 'unknown', text: `the receiver of ${output} could not be asked: ${sink.words}` };
  const text = `${output} delivered ${show(delivered)}; its receiver has ${humanCount(sink.value)}`;
  if (agree(delivered, exactly(sink.value))) return { verdict: 'agrees', text };
  const hint = throttled
    ? 'A throttle lets through what depends on everything before it: files at the edges of the window cannot be foretold.'
    : sink.value < delivered.least
      ? 'Events are missing there: retention, a deleted index, or somebody removed them. `auditail state rewind` sends again what the log still has.'
      : 'More than was delivered: other nodes or agents write there too (set metadata.node), the filter was changed, or Loki, which counts copies of what was sent again.';
  return { verdict: throttled ? 'unknown' : 'differs', text, hint };
}

function show({ least, most }: Range): string {
  return least === most ? plural(least, 'event') : `${humanCount(least)} to ${humanCount(most)} events`;
}
