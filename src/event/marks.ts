import { MARK } from './mark.ts';

const WORDS: readonly (readonly [Buffer, number])[] = [
  [Buffer.from('eyJ'), MARK.webToken],
  [Buffer.from('Bearer'), MARK.bearer],
  [Buffer.from('Secret'), MARK.secret],
  [Buffer.from('H4sI'), MARK.gzip],
];
const ESCAPE = Buffer.from('\\u00');
const BACKSLASH = 0x5c;
const AT = 0x40;

/** Where user and password are longer, a closer look decides. */
const MAX_USER_INFO = 512;

/** Which of them stand in some JSON, by bits of `MARK`; `bytes` is the event alone. What wasm/scan.ts does for most lines. */
export function findMarks(bytes: Buffer): number {
  let marks = hasUserInfo(bytes) ? MARK.userInfo : 0;
  for (const [word, mark] of WORDS) if (bytes.indexOf(word) !== -1) marks |= mark;
  for (let at = bytes.indexOf(ESCAPE); at !== -1; at = bytes.indexOf(ESCAPE, at + ESCAPE.length)) {
    const digit = bytes[at + ESCAPE.length] as number;
    if (digit < 0x34 || digit > 0x37) continue;
    marks |= bytes[at - 1] === BACKSLASH ? MARK.escaped | MARK.escapedTwice : MARK.escaped;
  }
  return marks;
}

/** Looks back from each `@`, over what may stand in one. */
function hasUserInfo(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(AT); at !== -1; at = bytes.indexOf(AT, at + 1)) if (isUserInfo(bytes, at)) return true;
  return false;
}

function isUserInfo(bytes: Buffer, at: number): boolean {
  let hasColon = false;
  for (let before = at - 1; at - before <= MAX_USER_INFO; before -= 1) {
    const byte = bytes[before] as number;
    if (byte === 0x3a) hasColon = true;
    else if (byte === 0x2f) {
      // The slashes may be written as \/.
      return hasColon && (bytes[before - 1] === 0x2f || bytes[before - 1] === BACKSLASH);
    } else if (byte <= 0x20 || byte === 0x22) return false;
  }
  return true;
}
