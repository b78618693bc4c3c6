import { type Finding, within } from './finding.ts';

/** How a field error names the value that it quotes; names are no secret (k8s.io/apimachinery/pkg/util/validation/field/errors.go). */
const VALUE = /(?:(?:Invalid|Duplicate|Unsupported) value|Not found): /g;
/** Looked at from a match backwards: as part of the pattern, it would be tried at every character. */
const OF_A_NAME = /metadata\.(?:name|generateName|namespace): $/;
const LONGEST_NAME = 'metadata.generateName: '.length;
/** The number that does not fit (encoding/json), the text that YAML can't take. */
const QUOTED = [/unmarshal number (\S+) into/g, /`([^`]*)`/g];
/** Around excerpts of the body, as json-iterator shows them. */
const EXCERPT_START = '...|';
const EXCERPT_END = '|...';

/** One of these stands in each message that quotes something, however it is escaped. */
const SIGN = /value: |Not found: |unmarshal number|`|\.\.\.\|/;

/** A quick look, right when it says no. */
export function mayQuote(text: string): boolean {
  return SIGN.test(text);
}

/**
 * What a failure quotes of the object that it is about. The words around it stay. A value that is not in quotes has no
 * end that could be told: it goes with all that follows.
 */
export function findQuotedValues(text: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const pattern of QUOTED) {
    for (const match of text.matchAll(pattern)) {
      const value = match[1] as string;
      const start = match.index + match[0].indexOf(value);
      if (value !== '') findings.push(within(start, start + value.length, 'message'));
    }
  }
  const excerpt = text.indexOf(EXCERPT_START);
  if (excerpt !== -1) {
    const start = excerpt + EXCERPT_START.length;
    const end = text.lastIndexOf(EXCERPT_END);
    findings.push(within(start, end > start ? end : text.length, 'message'));
  }
  for (const match of text.matchAll(VALUE)) {
    if (OF_A_NAME.test(text.slice(Math.max(0, match.index - LONGEST_NAME), match.index))) continue;
    const start = match.index + match[0].length;
    if (text[start] !== '"') findings.push(within(start, text.length, 'message'));
    else findings.push(within(start + 1, quotedEnd(text, start + 1), 'message'));
  }
  return findings;
}

/** `start` is behind a quote; gives the position of the closing one, or the end of the text. */
export function quotedEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return Math.min(at, text.length);
}
