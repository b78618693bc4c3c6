import { gunzipSync } from 'node:zlib';
import { type Finding, within } from './finding.ts';
import { holdsManifest } from './manifest.ts';

/** What takes more room unpacked is not looked at, and goes as a whole. */
const MAX_UNPACKED = 16 * 2 ** 20;

/** Shorter base64 holds no manifest. */
const MIN_ENCODED = 40;

const HELM_RELEASE = /"manifest":/;

/** `H4sI`: base64 of the first bytes that gzip writes. Helm packs releases so, and Rancher what was applied. */
export function isGzip(text: string): boolean {
  return text.startsWith('H4sI');
}

/** A text that is base64 of gzip goes where it holds a release of Helm's, or a Secret, or can't be looked into. */
export function findGzip(text: string): readonly Finding[] {
  let unpacked: string;
  try {
    unpacked = gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: MAX_UNPACKED }).toString('latin1');
  } catch {
    // Too large, cut off or damaged: not knowing is answered the safe way.
    return [within(0, text.length, 'helm-release')];
  }
  if (HELM_RELEASE.test(unpacked)) return [within(0, text.length, 'helm-release')];
  return holdsManifest(unpacked) ? [within(0, text.length, 'secret-data')] : [];
}

/** Base64 of JSON that holds a Secret, anywhere in a text. */
export function findEncodedJson(text: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (let start = text.indexOf('eyJ'); start !== -1; ) {
    let end = start;
    while (end < text.length && isBase64(text.charCodeAt(end))) end += 1;
    if (end - start >= MIN_ENCODED && holdsManifest(Buffer.from(text.slice(start, end), 'base64').toString('latin1'))) {
      findings.push(within(start, end, 'secret-data'));
    }
    start = text.indexOf('eyJ', end);
  }
  return findings;
}

/** Of either alphabet, or padding. */
export function isBase64(code: number | undefined): boolean {
  if (code === undefined) return false;
  const letter = code | 0x20;
  const isOther = code === 0x2b || code === 0x2d || code === 0x5f || code === 0x3d;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x2f && code <= 0x39) || isOther;
}
