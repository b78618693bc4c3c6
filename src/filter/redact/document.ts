import { skipSpace } from '../../event/json-walk.ts';
import { findCredentials } from './credentials.ts';
import { carryBack, decodeJson, quoteJson } from './decoded.ts';
import { type Finding, within } from './finding.ts';
import { holdsData, holdsManifest } from './manifest.ts';
import { findQuotedValues, mayQuote, quotedEnd } from './message.ts';
import { findEncodedJson, findGzip, isGzip } from './packed.ts';
import type { Role } from './role.ts';
import { type Subject, type Walked, walk } from './walk.ts';

/** Documents stand in strings of documents. Each level doubles the escapes, so that nobody writes many. */
const MAX_LEVELS = 6;
/** A longer string with escapes is not decoded; where it may hold a Secret, all of it goes. */
const MAX_DECODED = 8 * 2 ** 20;
/** So many documents are looked for within one text; the rest of it goes. */
const MAX_PIECES = 8;

/**
 * One of these stands in every string in which something may be found, but for what a message quotes: credentials, a
 * manifest in whatever language, base64 of one, a document, escapes that may hide any of them.
 */
const SIGN = /bearer|authorization|@|eyJ|kind|H4sI|[{[]|\\u00|\\{31}/i;

/** Finds what is secret in the JSON value at `start`: the event itself, or a document that stands in a string of it. */
export function findInDocument(bytes: Buffer, start: number, subject: Subject, level = 0): Walked {
  return walk(bytes, start, subject, (inner, from, to, role) => findInString(inner, from, to, role, subject, level));
}

/** The same for the content of a string, between its quotes. */
function findInString(
  bytes: Buffer,
  start: number,
  end: number,
  role: Role,
  subject: Subject,
  level: number,
): readonly Finding[] {
  const isQuoting = subject !== 'other' && role === 'message';
  const raw = bytes.toString('latin1', start, end);
  if (!SIGN.test(raw) && !(isQuoting && mayQuote(raw))) return [];
  if (!raw.includes('\\')) {
    const found = findInText(bytes.subarray(start, end), role, subject, level);
    return found.map(({ start: from, end: to, kind, by }) => ({ start: from + start, end: to + start, kind, by }));
  }
  const tooMuch = end - start > MAX_DECODED || level >= MAX_LEVELS;
  const decoded = tooMuch ? null : decodeJson(bytes, start, end);
  if (decoded !== null) {
    return carryBack(findInText(decoded.bytes, role, subject, level + 1), decoded, quoteJson);
  }
  const mayHold = subject !== 'other' || holdsManifest(raw);
  return mayHold ? [within(start, end, 'secret-data')] : [];
}

/** The same for text. What stands in it may be a document, quote one, or be one in another language. */
function findInText(bytes: Buffer, role: Role, subject: Subject, level: number): readonly Finding[] {
  const start = skipSpace(bytes, 0);
  if (isJson(bytes, start, bytes.length)) return findInDocument(bytes, start, subject, level).findings;
  const text = bytes.toString('latin1');
  if (isGzip(text)) return findGzip(text);
  const quoted = subject !== 'other' && role === 'message' ? findQuotedValues(text) : [];
  const findings = [...findCredentials(text), ...findEncodedJson(text), ...quoted];
  if (!/[{[]/.test(text) || !(subject !== 'other' || text.includes('\\u00') || holdsManifest(text))) {
    // A manifest in YAML: which part of it is secret can't be told here.
    return holdsManifest(text) ? [within(0, text.length, 'secret-data')] : findings;
  }
  const rest = findInPieces(bytes, text, subject, level, findings);
  return holdsManifest(rest) ? [within(0, text.length, 'secret-data')] : findings;
}

/** Looks into the documents that a text quotes, as failures do; gives what of the text is none. */
function findInPieces(bytes: Buffer, text: string, subject: Subject, level: number, findings: Finding[]): string {
  const opening = /(")?\s{0,8}[{[]/g;
  let rest = '';
  let from = 0;
  for (let pieces = 0; ; pieces += 1) {
    opening.lastIndex = from;
    const match = opening.exec(text);
    if (match === null) return rest + text.slice(from);
    if (pieces === MAX_PIECES) {
      if (subject !== 'other' || holdsManifest(text.slice(match.index))) {
        findings.push(within(match.index, text.length, 'secret-data'));
      }
      return rest;
    }
    rest += text.slice(from, match.index);
    if (match[1] !== undefined && text[opening.lastIndex] === '\\') {
      const start = match.index + 1;
      from = quotedEnd(text, start);
      for (const finding of findInString(bytes, start, from, 'none', subject, level)) findings.push(finding);
      continue;
    }
    const start = opening.lastIndex - 1;
    const end = balancedEnd(text, start);
    from = end === -1 ? opening.lastIndex : end;
    const piece = end === -1 ? '' : bytes.subarray(start, end);
    if (piece !== '' && isJson(piece, 0, piece.length)) {
      for (const { start: at, end: to, kind, by } of findInDocument(piece, 0, subject, level + 1).findings) {
        findings.push({ start: at + start, end: to + start, kind, by });
      }
    } else if (subject !== 'other' && holdsData(text.slice(start))) {
      // Cut off, perhaps: there is no end to be told.
      findings.push(within(start, text.length, 'secret-data'));
      return rest;
    } else rest += text.slice(match.index, from);
  }
}

/** Where the brackets close that open at `start`, or -1. */
function balancedEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = quotedEnd(text, at + 1);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

function isJson(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== 0x7b && bytes[start] !== 0x5b) return false;
  try {
    JSON.parse(bytes.toString('utf8', start, end));
    return true;
  } catch {
    return false;
  }
}
