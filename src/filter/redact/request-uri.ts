import { findAssignments, findCredentials, namesSecret } from './credentials.ts';
import { carryBack, decodePercent } from './decoded.ts';
import { type Finding, within } from './finding.ts';
import { Needles } from './needles.ts';

/** Of these, the text is a command line; what it runs is evidence, and stays. */
const COMMAND = 'command';
/** What they hold names objects, or a place in a list, and no secrets. */
const HARMLESS: ReadonlySet<string> = new Set([
  'fieldSelector',
  'labelSelector',
  'continue',
  'resourceVersion',
  'fieldManager',
]);

const PARAMETER = /([^&;=]*)(?:=([^&;]*))?/y;

/**
 * Finds passwords and tokens in a URI, of which `text` has one character for each byte: values of parameters with
 * telling names, credentials before a host, bearer tokens, what a command assigns to a name that tells.
 */
export function findInUri(text: string): Finding[] {
  const bytes = Buffer.from(text, 'latin1');
  const query = text.indexOf('?');
  const pathEnd = query === -1 ? text.length : query;
  const findings: Finding[] = [];
  const add = (found: readonly Finding[]) => {
    for (const finding of found) findings.push(finding);
  };
  add(findDecoded(bytes, 0, pathEnd, false));
  let isFlag = false;
  for (let at = pathEnd + 1; at < text.length; at = PARAMETER.lastIndex + 1) {
    PARAMETER.lastIndex = at;
    const [, rawName = '', value] = PARAMETER.exec(text) ?? [];
    const start = at + rawName.length + 1;
    if (value === undefined || value === '') continue;
    const end = start + value.length;
    const name = decode(bytes, at, at + rawName.length);
    if (name === COMMAND) {
      const word = decode(bytes, start, end);
      if (isFlag && !word.startsWith('-')) findings.push(within(start, end, 'uri'));
      isFlag = /^--?[\w-]+$/.test(word) && namesSecret(word.replace(/^-+/, ''));
      add(findDecoded(bytes, start, end, true));
    } else if (HARMLESS.has(name)) continue;
    else if (namesSecret(name)) findings.push(within(start, end, 'uri'));
    else add(findDecoded(bytes, start, end, true));
  }
  return findings;
}

/** A quick look at a URI as it stands in the event, right when it says no: most URIs hold nothing secret. */
export function mayHoldSecrets(text: string): boolean {
  if (IN_PATH.standInText(text)) return true;
  const query = text.indexOf('?');
  return query !== -1 && IN_QUERY.standInText(text, query);
}

/** The same of a URI that stands in bytes. */
export function mayHoldSecretsAt(bytes: Buffer, start: number, end: number): boolean {
  if (IN_PATH.standIn(bytes, start, end)) return true;
  let query = start;
  while (query < end && bytes[query] !== 0x3f) query += 1;
  return IN_QUERY.standIn(bytes, query, end);
}

const HEX = '0123456789abcdef';
const IN_PATH = new Needles([
  ...['bearer', 'eyJ', '://', '%3a'].map((word) => [...word]),
  ['%', '4567', HEX],
  ['\\', 'u', '0', '0', '4567'],
]);
const IN_QUERY = new Needles(
  ['pass', 'pwd', 'secret', 'token', 'cred', 'auth', 'jwt', 'sig', 'key'].map((word) => [...word]),
);

function findDecoded(bytes: Buffer, start: number, end: number, isValue: boolean): Finding[] {
  const decoded = decodePercent(bytes, start, end);
  const text = decoded.bytes.toString('latin1');
  const found = findCredentials(text);
  const assigned = isValue ? findAssignments(text) : [];
  return carryBack([...found, ...assigned], decoded, (by) => by);
}

function decode(bytes: Buffer, start: number, end: number): string {
  return decodePercent(bytes, start, end).bytes.toString('latin1');
}
