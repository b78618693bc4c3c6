import { AuditailError } from '../../errors.ts';
import { FIELDS } from '../../event/field.ts';
import { keyOf, membersOf } from '../../event/json-walk.ts';
import type { HttpOutputConfig } from '../../config/schema.ts';
import type { Batch, Part } from '../../pipeline/batch.ts';
import type { Metadata } from '../metadata.ts';

/** A longer value is cut: clients choose some of them, and a server that refuses a long head would refuse the event with it. */
const MAX_VALUE = 256;
const PLACEHOLDER = /\$(\$?)\{([^{}]*)\}/g;
const OF_BATCH = ['cluster', 'node', 'source', 'output'] as const;
/** Those of an event that hold one text or number. */
const OF_EVENT: readonly string[] = FIELDS.filter(
  (name) =>
    !/^(impersonatedUser|user|objectRef|responseStatus|requestObject|responseObject|annotations|sourceIPs|@timestamp|metadata)$|\.(groups|extra)$/.test(
      name,
    ),
);

type Fill = (part: Part) => string;

/** The headers of the configuration that hold `${…}`, as they are for a part. */
export type HeaderTemplates = (part: Part) => Readonly<Record<string, string>>;

/**
 * Reads the templates among the headers that stand in the configuration as plain text (what is taken from a file or the environment is
 * never filled in): `${cluster}`, `${node}`, `${source}`, `${output}`, and with one event a request the event's own fields, such as
 * `${auditID}` or `${objectRef.namespace}`. `$${` stands for `${`. What would not be safe in a header is percent-encoded, and an unset
 * field is empty. Throws `AUD_CONFIG` for a name that is not known.
 */
export function headerTemplates(config: HttpOutputConfig, metadata: Metadata): HeaderTemplates {
  const templates = Object.entries(config.headers).flatMap(([name, value]): [string, Fill][] => {
    if (typeof value !== 'string' || !value.includes('${')) return [];
    return [[name.toLowerCase(), templateOf(value, name, config, metadata)]];
  });
  return (part) => Object.fromEntries(templates.map(([name, fill]) => [name, fill(part)]));
}

function templateOf(text: string, header: string, config: HttpOutputConfig, metadata: Metadata): Fill {
  const pieces: (string | Fill)[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, escaped, name = ''] = match;
    pieces.push(text.slice(from, match.index));
    pieces.push(escaped === '$' ? whole.slice(1) : valueOf(name, header, config, metadata));
    from = match.index + whole.length;
  }
  pieces.push(text.slice(from));
  return (part) => pieces.map((piece) => (typeof piece === 'string' ? piece : piece(part))).join('');
}

function valueOf(name: string, header: string, config: HttpOutputConfig, metadata: Metadata): Fill {
  switch (name) {
    case 'cluster':
    case 'node': {
      const value = metadata[name];
      if (value === undefined) throw wrong(config, header, name, `set metadata.${name}, which is not set`);
      const safe = headerSafe(value);
      return () => safe;
    }
    case 'source':
      return ({ batch }) => headerSafe(batch.source);
    case 'output': {
      const safe = headerSafe(config.name);
      return () => safe;
    }
    default: {
      if (!OF_EVENT.includes(name)) {
        throw wrong(config, header, name, `known are ${[...OF_BATCH, ...OF_EVENT].join(', ')}`);
      }
      if (config.format !== 'event') {
        throw wrong(config, header, name, 'the fields of an event are there only with format: event');
      }
      const path = name.split('.');
      return ({ batch, items }) => headerSafe(fieldOf(batch, items[0] as number, path));
    }
  }
}

function wrong({ name: output }: HttpOutputConfig, header: string, name: string, hint: string): AuditailError {
  return new AuditailError('AUD_CONFIG', `outputs.${output}.headers.${header}: \${${name}} cannot be filled in`, {
    hint: `${hint[0]?.toUpperCase()}${hint.slice(1)}. For the characters themselves write $\${${name}}.`,
  });
}

/** The value at a path of the event, as text: of a key that stands twice the last, as JSON.parse has it. Empty where it is none. */
function fieldOf(batch: Batch, item: number, path: readonly string[]): string {
  const { bytes } = batch;
  let [start, end] = [batch.eventStart(item), batch.eventEnd(item)];
  for (const name of path) {
    if (bytes[start] !== OPEN_OBJECT) return '';
    let found: { readonly value: number; readonly end: number } | undefined;
    for (const member of membersOf(bytes, start)) if (keyOf(bytes, member) === name) found = member;
    if (found === undefined) return '';
    start = found.value;
    end = found.end;
  }
  const value = JSON.parse(bytes.toString('utf8', start, end)) as unknown;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Plain ASCII, percent-encoded where it was not, at most `MAX_VALUE` characters: no value can end a header or begin another. */
export function headerSafe(value: string): string {
  const safe = value
    .toWellFormed()
    .slice(0, MAX_VALUE)
    .toWellFormed()
    .replace(/[^\x20-\x7e]/gu, encodeURIComponent);
  return safe.length <= MAX_VALUE ? safe : safe.slice(0, MAX_VALUE).replace(/%[0-9A-F]?$/, '');
}

const OPEN_OBJECT = 0x7b;
