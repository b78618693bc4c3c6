import { findEncodedJson, isBase64 } from './packed.ts';

/**
 * Quick looks at the bytes of an event. Each is right when it says no; a yes has the event looked at closely. Rare first
 * letters make a search fast, so what is common in a trail is checked around the hit instead.
 */
const SECRET = Buffer.from('Secret');
const WEB_TOKEN = Buffer.from('yJ');
const BEARER = Buffer.from('Bearer');
const GZIP = Buffer.from('H4sI');
const ESCAPE = Buffer.from('\\u00');
const INNER_ESCAPE = Buffer.from('\\\\u00');
const AT = 0x40;

/** Where user and password are longer, a closer look decides. */
const MAX_USER_INFO = 512;

/** Whether something secret may stand in the text, wherever it comes from; `bytes` is the event alone. */
export function isSuspicious(bytes: Buffer): boolean {
  return hasWebToken(bytes) || hasBearer(bytes) || hasUserInfo(bytes);
}

/**
 * Whether a body may hold a Secret. A letter that is written as an escape may hide what is looked for: anywhere in a
 * patch, which is recorded as the client wrote it; elsewhere in strings only, for the API server writes letters as they
 * are, and the escapes that it does write are too many to look at each.
 */
export function mayHoldSecret(bytes: Buffer, isPatch: boolean): boolean {
  return hasSecretKind(bytes) || hasHiddenLetter(bytes, isPatch ? ESCAPE : INNER_ESCAPE) || bytes.indexOf(GZIP) !== -1;
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

/** Whether the escape is that of a character of ASCII that need not be escaped. */
function hasHiddenLetter(bytes: Buffer, escape: Buffer): boolean {
  const { length } = escape;
  for (let at = bytes.indexOf(escape); at !== -1; at = bytes.indexOf(escape, at + length)) {
    const digit = bytes[at + length] as number;
    if (digit >= 0x34 && digit <= 0x37) return true;
  }
  return false;
}

/** `eyJ` as JSON Web Tokens and base64 of JSON begin; the place in a list where a client goes on is such base64, too. */
function hasWebToken(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(WEB_TOKEN); at !== -1; at = bytes.indexOf(WEB_TOKEN, at + 2)) {
    if (bytes[at - 1] !== 0x65) continue;
    const start = at - 1;
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

/** `://user:password@`: looks back from each `@`, over what may stand in one. */
function hasUserInfo(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(AT); at !== -1; at = bytes.indexOf(AT, at + 1)) {
    let hasColon = false;
    for (let before = at - 1; ; before -= 1) {
      const byte = bytes[before] as number;
      if (byte === 0x3a) hasColon = true;
      else if (byte === 0x2f) {
        // The slashes may be written as \/.
        if (hasColon && (bytes[before - 1] === 0x2f || bytes[before - 1] === 0x5c)) return true;
        break;
      } else if (byte <= 0x20 || byte === 0x22) break;
      if (at - before > MAX_USER_INFO) return true;
    }
  }
  return false;
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}
