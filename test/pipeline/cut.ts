import { EventView } from '../../src/event/event-view.ts';
import { salvage } from '../../src/event/salvage.ts';
import type { Filter } from '../../src/filter/filter.ts';
import { Cutter } from '../../src/pipeline/cutter.ts';
import type { Sealed } from '../../src/pipeline/sealed.ts';
import { PASS_ALL } from './pipeline-harness.ts';
import { ScriptedOutput } from './scripted-output.ts';

export interface CutOptions {
  readonly maxBytes?: number;
  readonly maxEvents?: number;
  readonly filter?: Filter;
  readonly output?: ScriptedOutput;
  readonly event?: EventView;
}

export function newCutter({
  maxBytes = 1 << 20,
  maxEvents = 5000,
  filter = PASS_ALL,
  output = new ScriptedOutput(),
  event = new EventView(),
}: CutOptions = {}): Cutter {
  return new Cutter({
    source: 'kube',
    event,
    filter,
    output,
    salvage,
    limits: { maxBytes, maxEvents },
  });
}

/** What a batch says of itself, for comparisons that must survive its memory being used again. */
export interface Shown {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly body: string;
  readonly items: readonly { offset: number; bytes: number; event: string }[];
  readonly tally: Sealed['tally'];
  readonly setAside: readonly { reason: string; offset: number; bytes: string; counts: boolean }[];
}

function show({ batch, range, tally, setAside }: Sealed): Shown {
  return {
    key: batch.key,
    from: range.from,
    to: range.to,
    body: batch.bytes.toString('latin1'),
    items: Array.from({ length: batch.count }, (_, item) => ({
      offset: batch.lineOffset(item),
      bytes: batch.lineBytes(item),
      event: batch.bytes.toString('latin1', batch.eventStart(item), batch.eventEnd(item)),
    })),
    tally,
    setAside: setAside.map(({ reason, offset, bytes, counts }) => ({
      reason,
      offset,
      bytes: bytes.toString('latin1'),
      counts,
    })),
  };
}

/** Cuts content as the pipeline does: in pieces that end at line ends, up to `until` or to its end. */
export function cutAll(
  cutter: Cutter,
  content: Buffer,
  from = 0,
  until = content.length,
  pieceBytes = content.length,
): Shown[] {
  const batches: Shown[] = [];
  const seal = () => {
    if (!cutter.open) return;
    const sealed = cutter.seal('segment');
    batches.push(show(sealed));
    cutter.recycle(sealed);
  };
  cutter.begin(from);
  for (let start = from; start < until; ) {
    const newline = content.indexOf(10, Math.min(content.length - 1, start + pieceBytes - 1));
    const end = newline === -1 ? content.length : newline + 1;
    for (let at = start; at < end && at < until; ) {
      at = cutter.cut(content, at, end, at, until);
      if ((at < end && at < until) || cutter.full) seal();
    }
    start = end;
  }
  seal();
  return batches;
}
