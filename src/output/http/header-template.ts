import { AuditailError } from '../../errors.ts';
import { keyOf, membersOf } from '../../event/json-walk.ts';
import { headerTemplateFault, parseHeaderTemplate } from '../../config/header-template.ts';
import type { HttpOutputConfig } from '../../config/schema.ts';
import type { Batch, Part } from '../../pipeline/batch.ts';
import type { Metadata } from '../metadata.ts';

/** A longer value is cut: clients choose some of them, and a server that refuses a long head would refuse the event with it. */
const MAX_VALUE = 256;

/** What a request carries: some events, or none, where it only tries the way. */
type About = Part | { readonly source: string };

type Fill = (about: About) => string;

/** The headers of the configuration that hold `${…}`, as they are for a request. */
export type HeaderTemplates = (about: About) => Readonly<Record<string, string>>;

/**
 * Reads the templates among the headers that stand in the configuration as plain text (what is taken from a file or the environment is
 * never filled in): `${cluster}`, `${node}`, `${source}`, `${output}`, and with one event a request the event's own fields, such as
 * `${auditID}` or `${objectRef.namespace}`. What would not be safe in a header is percent-encoded, and an unset field is empty. Throws
 * `AUD_CONFIG` for what the check of the configuration would not have let through.
 */
export function headerTemplates(config: HttpOutputConfig, metadata: Metadata): HeaderTemplates {
  const templates = Object.entries(config.headers).flatMap(([name, value]): [string, Fill][] => {
    if (typeof value !== 'string' || !value.includes('${')) return [];
    return [[name.toLowerCase(), templateOf(value, name, config, metadata)]];
  });
  return (about) => Object.fromEntries(templates.map(([name, fill]) => [name, fill(about)]));
}

function templateOf(text: string, header: string, config: HttpOutputConfig, metadata: Metadata): Fill {
  const fault = headerTemplateFault(text, {
    hasEvent: config.format === 'event',
    metadata: Object.entries(metadata).flatMap(([name, value]) => (value === undefined ? [] : [name])),
  });
  const parts = parseHeaderTemplate(text);
  if (fault !== undefined || parts === null) {
    throw new AuditailError('AUD_CONFIG', `outputs.${config.name}.headers.${header}: ${fault}`);
  }
  const fills = parts.map((part) => ('name' in part ? valueOf(part.name, config.name, metadata) : () => part.text));
  return (about) => fills.map((fill) => fill(about)).join('');
}

function valueOf(name: string, output: string, metadata: Metadata): Fill {
  switch (name) {
    case 'cluster':
    case 'node':
      return fixed(metadata[name] ?? '');
    case 'source':
      return (about) => headerSafe('batch' in about ? about.batch.source : about.source);
    case 'output':
      return fixed(output);
    default: {
      const path = name.split('.');
      return (about) => ('batch' in about ? headerSafe(fieldOf(about.batch, about.items[0] as number, path)) : '');
    }
  }
}

function fixed(value: string): Fill {
  const safe = headerSafe(value);
  return () => safe;
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
