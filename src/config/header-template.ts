import { FIELDS } from '../event/field.ts';
import { suggest } from './suggestion.ts';

/** Text as it stands, or the name of what is filled in. */
export type TemplatePart = { readonly text: string } | { readonly name: string };

/** What is there for every request. */
const OF_REQUEST: readonly string[] = ['cluster', 'node', 'source', 'output'];
/** Fields of an event that hold one text or number. */
const OF_EVENT: readonly string[] = FIELDS.filter(
  (name) =>
    !/^(impersonatedUser|user|objectRef|responseStatus|requestObject|responseObject|annotations|sourceIPs|@timestamp|metadata)$|\.(groups|extra)$/.test(
      name,
    ),
);
const PLACEHOLDER = /\$\$\{|\$\{([^{}]*)\}/g;

/** The parts of a header's text; `$${` stands for `${`. Null where a `${` has no end. */
export function parseHeaderTemplate(text: string): readonly TemplatePart[] | null {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, name] = match;
    const before = text.slice(from, match.index);
    if (before.includes('${')) return null;
    parts.push({ text: before }, name === undefined ? { text: '${' } : { name });
    from = match.index + whole.length;
  }
  const rest = text.slice(from);
  return rest.includes('${') ? null : [...parts, { text: rest }];
}

/** What the output has to fill templates with. */
export interface TemplateContext {
  /** Whether a request holds one event, whose fields can then be named. */
  readonly hasEvent: boolean;
  /** Which of cluster and node are set. */
  readonly metadata: readonly string[];
}

/** What is wrong with a header's text, as the end of a sentence about it; undefined where nothing is. */
export function headerTemplateFault(text: string, { hasEvent, metadata }: TemplateContext): string | undefined {
  const parts = parseHeaderTemplate(text);
  if (parts === null) return 'has a ${ without an end; for the characters themselves write $${';
  for (const part of parts) {
    if (!('name' in part)) continue;
    const { name } = part;
    const quoted = `\${${name}}`;
    if (name === 'cluster' || name === 'node') {
      if (!metadata.includes(name)) return `${quoted} cannot be filled in: metadata.${name} is not set`;
    } else if (OF_EVENT.includes(name)) {
      if (!hasEvent) return `${quoted} cannot be filled in: a request holds one event only with format: event`;
    } else if (!OF_REQUEST.includes(name)) return `${quoted} is not known; ${instead(name)}`;
  }
  return undefined;
}

function instead(name: string): string {
  if (/^[A-Z_][A-Z0-9_]*$/.test(name)) return `{ env: ${name} } takes the whole value from the environment`;
  const meant = suggest(name, [...OF_REQUEST, ...OF_EVENT]);
  if (meant !== undefined) return `did you mean \${${meant}}?`;
  return `there are ${OF_REQUEST.join(', ')}, and with format: event fields of the event such as auditID`;
}
