import type { Difference, Explanation, Headline } from '../inspect/explain.ts';
import { humanBytes, humanCount } from './human.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';

type Paint = (style: 'green' | 'red' | 'yellow' | 'bold' | 'dim', text: string) => string;

const STYLES = { delivered: 'green', dropped: 'red', added: 'green', hidden: 'red', changed: 'yellow' } as const;

/**
 *     audit.log:12  2026-11-23T05:07:04.591933Z  list /apis/… by system:apiserver  200
 *       drop leases  no
 *       drop noise   yes
 *       dropped by noise: 812 bytes
 */
export function describeExplanation(explanation: Explanation, paint: Paint): readonly string[] {
  const { event, tried, outcome, rule, bytesBefore, bytesAfter, changes } = explanation;
  const width = Math.max(0, ...tried.map((trial) => trial.rule.length));
  const by = rule === null ? '' : ` by ${printable(rule)}`;
  const size = bytesBefore === bytesAfter || outcome === 'dropped' ? '' : ` -> ${humanCount(bytesAfter)}`;
  return [
    headline(event, paint),
    ...tried.map(({ kind, rule: name, answer, words }) => {
      const why = words === undefined ? '' : `: ${printable(words)}`;
      // The name of a policy's rule says what it is.
      return `  ${kind === 'policy' ? '' : `${kind} `}${printable(name).padEnd(width)}  ${answer}${why}`;
    }),
    `  ${paint(STYLES[outcome], outcome)}${by}: ${humanCount(bytesBefore)}${size} bytes`,
    ...changes.map(
      (change) =>
        `    ${printable(change.path)}:${change.what === undefined ? '' : ` ${change.what},`} ${humanCount(change.bytesBefore)} -> ${humanCount(change.bytesAfter)} bytes`,
    ),
    ...(explanation.before === undefined ? [] : [`  - ${printable(explanation.before)}`]),
    ...(explanation.after === undefined ? [] : [`  + ${printable(explanation.after)}`]),
  ];
}

/** What another filter adds, hides or changes, in two lines. */
export function describeDifference(difference: Difference, paint: Paint): readonly string[] {
  const { event, kind, oldRule, newRule, oldBytes, newBytes } = difference;
  return [
    headline(event, paint),
    `  ${paint(STYLES[kind], kind)}: ${side(oldRule, oldBytes)} -> ${side(newRule, newBytes)}`,
  ];
}

function side(rule: string | null, bytes: number): string {
  return rule === null ? `${humanCount(bytes)} bytes` : `dropped by ${printable(rule)}`;
}

function headline({ where, time, verb, user, requestURI, code, stage, auditID }: Headline, paint: Paint): string {
  const status = stage === 'ResponseComplete' ? String(code) : stage;
  const what = printable(`${verb} ${short(requestURI, 120)} by ${short(user, 80)}`);
  const place = paint('bold', printable(`${where.name}:${where.line}`));
  return `${place}  ${printable(time)}  ${what}  ${printable(status)}  ${paint('dim', printable(short(auditID, 64)))}`;
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

/** A line of JSON in which nothing stands that a terminal would obey. */
export function plainJson(value: unknown): string {
  // JSON itself escapes control characters below 0x20 only.
  return JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

interface Sum {
  readonly outcome: string;
  readonly rule: string;
  events: number;
  bytesBefore: number;
  bytesAfter: number;
}

/** What became of the events, by the rule that decided. */
export class Outcomes {
  readonly #sums = new Map<string, Sum>();

  count(outcome: string, rule: string | null, bytesBefore: number, bytesAfter: number): void {
    const key = `${outcome} ${rule ?? ''}`;
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { outcome, rule: rule ?? '-', events: 0, bytesBefore: 0, bytesAfter: 0 };
      this.#sums.set(key, sum);
    }
    sum.events += 1;
    sum.bytesBefore += bytesBefore;
    sum.bytesAfter += bytesAfter;
  }

  table(isDiff: boolean): readonly string[] {
    if (this.#sums.size === 0) return ['No events.'];
    const [before, after] = isDiff ? ['old', 'new'] : ['bytes', 'delivered'];
    const rows = [...this.#sums.values()].sort((a, b) => b.bytesBefore + b.bytesAfter - a.bytesBefore - a.bytesAfter);
    return [
      '',
      ...formatTable(
        ['outcome', 'rule', 'events', before as string, after as string].map((title, at) => ({
          title,
          align: at < 2 ? 'left' : 'right',
        })),
        rows.map(({ outcome, rule, events, bytesBefore, bytesAfter }) => [
          outcome,
          rule,
          humanCount(events),
          humanBytes(bytesBefore),
          humanBytes(bytesAfter),
        ]),
      ).split('\n'),
    ];
  }
}
