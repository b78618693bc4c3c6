import { type Finding, within } from './finding.ts';

/** What names a secret, in a parameter of a URI or before an equals sign in a command. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)|pwd|secret|token|credential|authorization|bearer|jwt|signature|api[-_]?key|access[-_]?key|private[-_]?key/i;

/** Such names that are too short to look for within others. */
const SECRET_NAMES: ReadonlySet<string> = new Set(['pass', 'auth', 'key', 'sig']);

/** No word of a sentence (“bearer authentication”): with a digit in it, or long. */
const BEARER = /bearer[ \t]+((?=[A-Za-z._~+/-]{0,19}[0-9]|[A-Za-z._~+/-]{20})[A-Za-z0-9._~+/-]{4,}=*)/gi;
const BASIC = /authorization[ \t"']{0,3}[:=][ \t"']{0,3}basic[ \t]+([A-Za-z0-9+/_-]{4,}=*)/gi;
const USER_INFO = /:\/\/[^\s/?#"'<>:@]*:([^\s/?#"'<>]+)@/g;

/** One of these stands in every text in which there is a credential; most have none. */
const SIGN = /bearer|authorization|@|eyJ/i;

/** Whether a parameter of this name, decoded, holds a secret. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_NAMES.has(name.toLowerCase());
}

/** Credentials that show themselves by their form. `text` has one character for each byte (latin1). */
export function findCredentials(text: string): Finding[] {
  if (!SIGN.test(text)) return [];
  const findings: Finding[] = findWebTokens(text);
  for (const [pattern, kind] of [
    [BEARER, 'bearer'],
    [BASIC, 'bearer'],
    [USER_INFO, 'uri'],
  ] as const) {
    for (const match of text.matchAll(pattern)) {
      const value = match[1] as string;
      const start = match.index + match[0].lastIndexOf(value);
      findings.push(within(start, start + value.length, kind));
    }
  }
  return findings;
}

/**
 * JSON Web Tokens: `eyJ` (that is `{"`), a dot, and what follows of the same alphabet. By hand and in one pass: a
 * pattern would read a long text anew from each `eyJ` in it.
 */
function findWebTokens(text: string): Finding[] {
  const findings: Finding[] = [];
  for (let start = text.indexOf('eyJ'); start !== -1; ) {
    let end = alphabetEnd(text, start);
    const dot = end;
    while (text[end] === '.') end = alphabetEnd(text, end + 1);
    if (dot - start >= 12 && end - dot >= 5) findings.push(within(start, end, 'token'));
    start = text.indexOf('eyJ', end);
  }
  return findings;
}

function alphabetEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && isBase64Url(text.charCodeAt(at))) at += 1;
  return at;
}

function isBase64Url(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}

const ASSIGNED = new RegExp(SECRET_NAME.source, 'gi');
const NAME_REST = /[\w-]{0,64}/y;
const EQUALS = /["']?[ \t]{0,3}[=:][ \t]{0,3}(["']?)/y;
const FLAG_GAP = /[ \t]{1,3}(["']?)(?!-)/y;
const QUOTED = { '"': /[^"]+/y, "'": /[^']+/y } as const;
const SCHEME = /^(?:bearer|basic)$/i;
const BARE = /[^\s"'&;|<>]+/y;

/** What commands assign to names of secrets: `--password=x`, `TOKEN='x'`, `--token x`. */
export function findAssignments(text: string): Finding[] {
  const findings: Finding[] = [];
  ASSIGNED.lastIndex = 0;
  for (let match = ASSIGNED.exec(text); match !== null; match = ASSIGNED.exec(text)) {
    const nameEnd = matched(NAME_REST, text, ASSIGNED.lastIndex) ?? ASSIGNED.lastIndex;
    const behind =
      matched(EQUALS, text, nameEnd) ?? (isFlag(text, match.index) ? matched(FLAG_GAP, text, nameEnd) : undefined);
    if (behind === undefined) continue;
    const quote = text[behind - 1];
    const value = quote === '"' || quote === "'" ? QUOTED[quote] : BARE;
    const end = matched(value, text, behind);
    // What the shell puts in there is a command, and evidence; a scheme has its secret behind it.
    if (end === undefined || '$`({['.includes(text[behind] as string) || SCHEME.test(text.slice(behind, end))) continue;
    findings.push(within(behind, end, 'uri'));
    ASSIGNED.lastIndex = end;
  }
  return findings;
}

/** Whether a word that holds the position begins with a hyphen. Words are short. */
function isFlag(text: string, position: number): boolean {
  let start = position;
  while (start > 0 && position - start < 64 && /[\w-]/.test(text[start - 1] as string)) start -= 1;
  return text[start] === '-';
}

/** Where the pattern ends that begins at a position. */
function matched(pattern: RegExp, text: string, position: number): number | undefined {
  pattern.lastIndex = position;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
