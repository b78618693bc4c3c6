import { MARK } from '../../event/mark.ts';
import { findEncodedJson, isBase64 } from './packed.ts';

/*
 * Quick looks at an event by its marks, and at its bytes where it has some. Each is right when it says no; a yes has the
 * event looked at closely. `bytes` is the event alone.
 */
const SECRET = Buffer.from('Secret');
const WEB_TOKEN = Buffer.from('eyJ');
const BEARER = Buffer.from('Bearer');

/** Whether something secret may stand in the text, wherever it comes from. */
export function isSuspicious(bytes: Buffer, marks: number): boolean {
  if ((marks & MARK.userInfo) !== 0) return true;
  return ((marks & MARK.webToken) !== 0 && hasWebToken(bytes)) || ((marks & MARK.bearer) !== 0 && hasBearer(bytes));
}

/**
 * Whether a body may hold a Secret. A letter that is written as an escape may hide what is looked for: anywhere in a
 * patch, which is recorded as the client wrote it; elsewhere in strings only, for the API server writes letters as they
 * are, and the escapes that it does write are too many to look at each.
 */
export function mayHoldSecret(bytes: Buffer, marks: number, isPatch: boolean): boolean {
  const escaped = isPatch ? MARK.escaped : MARK.escapedTwice;
  return (marks & (MARK.gzip | escaped)) !== 0 || ((marks & MARK.secret) !== 0 && hasSecretKind(bytes));
}

/** `Secret` or `SecretList` as a word of its own. */
function hasSecretKind(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(SECRET); at !== -1; at = bytes.indexOf(SECRET, at + 6)) {
    const isList = bytes[at + 6] === 0x4c && bytes[at + 7] === 0x69 && bytes[at + 8] === 0x73 && bytes[at + 9] === 0x74;
    // Behind a line's end that is written as \n, a letter stands before it.
    const before = isLetter(bytes[at - 1]) && bytes[at - 2] !== 0x5c;
    if (!before && !isLetter(bytes[at + (isList ? 10 : 6)])) return true;
  }
  return false;
}

/** `eyJ` as JSON Web Tokens and base64 of JSON begin; the place in a list where a client goes on is such base64, too. */
function hasWebToken(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(WEB_TOKEN); at !== -1; at = bytes.indexOf(WEB_TOKEN, at)) {
    const start = at;
    while (isBase64(bytes[at])) at += 1;
    if (bytes[at] === 0x2e || findEncodedJson(bytes.toString('latin1', start, at)).length > 0) return true;
  }
  return false;
}

function hasBearer(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(BEARER); at !== -1; at = bytes.indexOf(BEARER, at + 6)) {
    const behind = bytes[at + 6];
    // A blank, also as an escape: \t or %20 or +.
    if (behind === 0x20 || behind === 0x5c || behind === 0x25 || behind === 0x2b) return true;
  }
  return false;
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
