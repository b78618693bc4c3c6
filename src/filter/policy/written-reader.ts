import type { Policy, PolicyFinding, Place } from './policy.ts';
import type { Written, WrittenMember } from './policy-text.ts';
import { meant } from './spelling.ts';

/** Why an object has a field that it should not have, for the fields that people put there; `undefined` for others. */
export type ExplainField = (member: WrittenMember, path: string) => string | undefined;

/** Reads values of given types out of what was written, and keeps what is wrong with it. */
export class WrittenReader {
  readonly findings: PolicyFinding[] = [];
  readonly #isLenient: boolean;
  readonly #isJson: boolean;

  constructor(isLenient: boolean, isJson: boolean) {
    this.#isLenient = isLenient;
    this.#isJson = isJson;
  }

  error({ line, column }: Place, path: string, message: string, hint?: string): void {
    this.findings.push({ level: 'error', line, column, path, message, ...(hint === undefined ? {} : { hint }) });
  }

  /** What the API server takes with a warning in its own log: an error, unless lenient. */
  slip({ line, column }: Place, path: string, message: string, hint?: string): void {
    const level = this.#isLenient ? 'warning' : 'error';
    this.findings.push({ level, line, column, path, message, ...(hint === undefined ? {} : { hint }) });
  }

  /** The values of an object's fields; of a field that stands twice the last one. */
  fields(
    written: Written,
    path: string,
    known: readonly string[],
    explain: ExplainField = () => undefined,
  ): ReadonlyMap<string, Written> {
    const fields = new Map<string, Written>();
    if (written.type === 'null') return fields;
    if (written.type !== 'object') {
      this.error(written, path, `${nameOf(written)} stands where an object with fields is expected`);
      return fields;
    }
    const seen = new Set<string>();
    for (const member of written.members) {
      const own = path === '' ? member.key : `${path}.${member.key}`;
      if (seen.has(member.key)) this.#twice(member, own);
      else if (!known.includes(member.key)) this.#unknown(member, own, known, explain);
      seen.add(member.key);
      if (known.includes(member.key)) fields.set(member.key, member.value);
    }
    return fields;
  }

  #twice(member: WrittenMember, path: string): void {
    const words = member.isMerged
      ? 'what << merges has this field once more, and hides the first'
      : 'this field stands here twice, and the second hides the first';
    if (this.#isJson && (member.value.type === 'list' || member.value.type === 'object')) {
      this.error(member, path, 'this field stands here twice; the API server would mix the two', 'Keep one of them.');
    } else this.slip(member, path, words, TWICE[member.key] ?? 'Keep one of them.');
  }

  #unknown(member: WrittenMember, path: string, known: readonly string[], explain: ExplainField): void {
    const name = meant(member.key, known);
    const words = name === undefined ? 'unknown field' : `unknown field; did you mean "${name}"?`;
    this.slip(member, path, words, explain(member, path) ?? (name === undefined ? undefined : `Write ${name}:`));
  }

  /** The empty string where it is unset or null. */
  text(written: Written | undefined, path: string): string {
    if (written === undefined || written.type === 'null') return '';
    if (written.type === 'text') return written.text;
    this.error(written, path, `${nameOf(written)} stands where a text is expected`, quoted(written));
    return '';
  }

  texts(written: Written | undefined, path: string): readonly string[] {
    return this.items(written, path).map((item, at) => this.text(item, `${path}[${at}]`));
  }

  items(written: Written | undefined, path: string): readonly Written[] {
    if (written === undefined || written.type === 'null') return [];
    if (written.type === 'list') return written.items;
    const hint = 'text' in written ? `Write ${path.split('.').at(-1)}: ["${written.text}"]` : undefined;
    this.error(written, path, `${nameOf(written)} stands where a list is expected`, hint);
    return [];
  }

  /** `undefined` where it is unset or null. */
  boolean(written: Written | undefined, path: string): boolean | undefined {
    if (written === undefined || written.type === 'null') return undefined;
    if (written.type === 'boolean') return written.isTrue;
    const hint = written.type === 'text' ? 'Write true or false, without quotes.' : undefined;
    this.error(written, path, `${nameOf(written)} stands where true or false is expected`, hint);
    return undefined;
  }

  /** The policy, or why there is none; what are only warnings goes with it. */
  result(policy: Policy): ParsedPolicy {
    const findings = this.findings.toSorted((one, other) => one.line - other.line || one.column - other.column);
    if (findings.some(({ level }) => level === 'error')) return { ok: false, findings };
    return { ok: true, policy, findings };
  }
}

/** Of the field that blog posts show in the wrong place. */
const TWICE: Readonly<Record<string, string>> = {
  resources: 'If the second belongs to the group above it, indent it as far as group.',
};

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly findings: readonly PolicyFinding[] }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

export function nameOf(written: Written): string {
  switch (written.type) {
    case 'object':
      return 'an object';
    case 'list':
      return 'a list';
    case 'null':
      return 'nothing';
    case 'text':
      return `the text "${written.text}"`;
    default:
      return `the ${written.type} ${written.text}`;
  }
}

function quoted(written: Written): string | undefined {
  if (written.type === 'list' && written.items.length === 1) {
    const [only] = written.items as readonly [Written];
    return 'text' in only ? `Write "${only.text}", without the brackets.` : undefined;
  }
  return written.type === 'boolean' || written.type === 'number' ? `Write "${written.text}", in quotes.` : undefined;
}
