import type { Event } from '../event/event.ts';
import { SLOT } from '../event/field.ts';
import type { Mark, MarkedSplice, Splice } from './filter.ts';
import { isObject, isSpace, keyOf, membersOf, skipSpace } from '../event/json-walk.ts';

interface Cut extends MarkedSplice {
  readonly mark: Mark | null;
}

/** Keys of the annotations that say how much was cut: `auditail.io/redacted`. */
const PREFIX = 'auditail.io/';
/** In each key of ours stands one of these, whatever of it is written as an escape. */
const OURS = [PREFIX, '\\u', '\\/'].map((text) => Buffer.from(text));

const QUOTE = 0x22;
const COMMA = 0x2c;
const NOTHING = Buffer.alloc(0);

/** What another agent, further up the way, may have said there before. */
const COUNTS = /^[a-z-]{1,40}=\d{1,10}(?:,[a-z-]{1,40}=\d{1,10}){0,9}$/;

/** Collects what is to be cut out of one event, by whichever filter and in any order, and makes one list of splices. */
export class Edits {
  #cuts: Cut[] = [];

  /** `[start, end)` of the event's buffer is to be replaced. */
  replace(start: number, end: number, by: Buffer, mark: Mark | null): void {
    this.#cuts.push({ start, end, with: by, mark });
  }

  /** The member of an object at `[start, end)`, key and value, is to go, with one of the commas around it. */
  removeMember(bytes: Buffer, start: number, end: number, mark: Mark | null): void {
    let before = start - 1;
    while (isSpace(bytes[before])) before -= 1;
    if (bytes[before] === COMMA) this.replace(before, end, NOTHING, mark);
    else this.replace(start, behindComma(bytes, end), NOTHING, mark);
  }

  /** Forgets what was collected and gives it as splices, with those of the annotations; null where there is nothing. */
  take(event: Event): readonly MarkedSplice[] | null {
    if (this.#cuts.length === 0) return null;
    const cuts = isInOrder(this.#cuts) ? this.#cuts : outermost(event.bytes, this.#cuts);
    this.#cuts = [];
    const usual = withUsualAnnotation(event, cuts);
    if (usual !== null) return usual;
    const told = new Map<string, Map<string, number>>();
    for (const { mark } of cuts) {
      if (mark === null) continue;
      const annotation = `${PREFIX}${mark.what}`;
      const kinds = told.get(annotation) ?? new Map<string, number>();
      told.set(annotation, kinds.set(mark.kind, (kinds.get(mark.kind) ?? 0) + 1));
    }
    const annotations = new Map([...told].map(([key, kinds]) => [key, textOf(kinds)]));
    // Where the annotations themselves are cut out, none can be added to them.
    const set =
      annotations.size === 0 ? [] : annotate(event, annotations, cuts).filter((splice) => !liesIn(cuts, splice));
    return [...cuts, ...set].sort((one, other) => one.start - other.start || one.end - other.end);
  }
}

/** Whether each cut stands behind the one before it. */
function isInOrder(cuts: readonly Cut[]): boolean {
  let [start, end] = [-1, -1];
  for (const cut of cuts) {
    if (cut.start < end || cut.start === start) return false;
    start = cut.start;
    end = cut.end;
  }
  return true;
}

/**
 * What most edits are, without the detours: all cuts are of one kind, and the annotation goes before others, which hold
 * none of ours and in which nothing is cut. Null where it is otherwise.
 */
function withUsualAnnotation(event: Event, cuts: readonly Cut[]): readonly MarkedSplice[] | null {
  const { bytes } = event;
  const start = event.valueStart(SLOT.annotations);
  const end = event.valueEnd(SLOT.annotations);
  const mark = cuts[0]?.mark ?? null;
  if (mark === null || start === -1 || !isObject(bytes, start)) return null;
  let before = 0;
  for (const cut of cuts) {
    if (cut.mark !== mark || (cut.end > start && cut.start < end)) return null;
    if (cut.end <= start) before += 1;
  }
  const own = bytes.subarray(start, end);
  if (own[1] !== QUOTE || OURS.some((part) => own.includes(part))) return null;
  const text = Buffer.from(`"${PREFIX}${mark.what}":"${mark.kind}=${cuts.length}",`);
  return cuts.toSpliced(before, 0, { start: start + 1, end: start + 1, with: text, mark: null });
}

/** Sorted, without those that lie in others. Where members side by side took the same comma, the later takes the next. */
function outermost(bytes: Buffer, cuts: Cut[]): readonly Cut[] {
  cuts.sort((one, other) => one.start - other.start || other.end - one.end);
  const kept: Cut[] = [];
  let end = -1;
  for (const cut of cuts) {
    if (cut.end <= end && cut.start < end) continue;
    if (cut.start >= end) kept.push(cut);
    else if (cut.with.length === 0) kept.push({ ...cut, start: end, end: behindComma(bytes, cut.end) });
    else kept.push({ ...cut, start: end, with: NOTHING });
    end = (kept.at(-1) as Cut).end;
  }
  return kept;
}

function behindComma(bytes: Buffer, end: number): number {
  const at = skipSpace(bytes, end);
  return bytes[at] === COMMA ? at + 1 : end;
}

function liesIn(cuts: readonly Splice[], { start, end }: Pick<Splice, 'start' | 'end'>): boolean {
  return cuts.some((cut) => cut.start < end && start < cut.end);
}

function textOf(kinds: ReadonlyMap<string, number>): string {
  return [...kinds.keys()]
    .sort()
    .map((kind) => `${kind}=${kinds.get(kind)}`)
    .join(',');
}

/** Sets annotations of the event. None then stands twice, which some receivers refuse. */
function annotate(event: Event, annotations: Map<string, string>, cuts: readonly Splice[]): readonly Splice[] {
  const { bytes } = event;
  const start = event.valueStart(SLOT.annotations);
  if (start === -1) {
    const brace = event.end - 1;
    return [insert(brace, `,"annotations":{${members(annotations)}}`)];
  }
  const end = event.valueEnd(SLOT.annotations);
  if (!event.has(SLOT.annotations)) return [{ start, end, with: Buffer.from(`{${members(annotations)}}`) }];
  // Something else than an object comes from no API server; it stays as it is.
  if (!isObject(bytes, start)) return [];
  const splices: Splice[] = [];
  let isEmpty = true;
  for (const member of membersOf(bytes, start)) {
    if (!liesIn(cuts, { start: member.start, end: member.value })) isEmpty = false;
    const key = keyOf(bytes, member);
    const ours = annotations.get(key);
    if (ours === undefined) continue;
    const before = event.annotation(key);
    const text = COUNTS.test(before) ? `${before},${ours}` : ours;
    splices.push({ start: member.value, end: member.end, with: Buffer.from(`"${text}"`) });
    annotations.delete(key);
  }
  if (annotations.size > 0) splices.push(insert(start + 1, `${members(annotations)}${isEmpty ? '' : ','}`));
  return splices;
}

function members(annotations: ReadonlyMap<string, string>): string {
  return [...annotations].map(([key, text]) => `"${key}":"${text}"`).join(',');
}

function insert(at: number, text: string): Splice {
  return { start: at, end: at, with: Buffer.from(text) };
}
