import type { Metadata } from '../metadata.ts';

/**
 * The audit levels, by the number of the stream that an event of the level goes to. Number 0 takes what has none of
 * them. The levels are the only thing about an event that reaches a label, so there are four streams at most.
 */
export const LEVELS: readonly string[] = ['', 'Metadata', 'Request', 'RequestResponse'];

/**
 * Label sets of the streams, by their number, in the syntax of a stream selector (`{job="kube-audit"}`), which is what
 * a push carries. `cluster`, `node` and `source` win over a configured label of that name.
 */
export function streamLabels(labels: Readonly<Record<string, string>>, metadata: Metadata): readonly string[] {
  const fixed = new Map<string, string>();
  for (const [name, value] of Object.entries(labels)) if (value !== '') fixed.set(labelName(name), value);
  if (metadata.cluster) fixed.set('cluster', metadata.cluster);
  if (metadata.node) fixed.set('node', metadata.node);
  if (metadata.source) fixed.set('source', metadata.source);
  return LEVELS.map((level) => {
    const pairs = new Map(fixed);
    pairs.delete('audit_level');
    if (level !== '') pairs.set('audit_level', level);
    return `{${[...pairs].map(([name, value]) => `${name}=${quote(value)}`).join(', ')}}`;
  });
}

/**
 * A name that Loki takes (`[a-zA-Z_][a-zA-Z0-9_]*`): every other character becomes an underscore, as Loki itself does
 * with the names of structured metadata. In a label it would refuse the whole push.
 */
export function labelName(name: string): string {
  const clean = name.replace(/[^a-zA-Z0-9_]/g, '_');
  return /^[a-zA-Z_]/.test(clean) ? clean : `_${clean}`;
}

/** A Go string literal: what Loki's label parser reads with `strconv.Unquote`. */
function quote(value: string): string {
  const escaped = value.toWellFormed().replace(/["\\\p{Cc}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
