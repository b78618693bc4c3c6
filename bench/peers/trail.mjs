// The trail of the benchmarks: a recorded log, over and over, each line with an Audit-ID of its own that holds its number.
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Behind a letter, which says which filters of the benchmark drop the line; the number follows as 12 hexadecimal digits. */
export const MARK = '0d17a11-5e9e-4be4-9c4e-';
/** What the filter `leases` drops: every shipper can look for these bytes, and auditail for the field. */
export const DROPPED = '"resource":"leases"';
/** The letters of the lines that are sent, by filter; all where there is none. */
export const KEPT = { leases: 'ab', typical: 'a' };

const AUDIT_ID = /"auditID":"[^"]*"/;

/** The lines of a recorded log, as latin1: each byte is a character, and none is changed but the letter of the Audit-ID. */
export async function recorded(file) {
  const lines = [];
  const input = createReadStream(file, { encoding: 'latin1' });
  for await (const line of createInterface({ input, crlfDelay: 0 })) {
    if (AUDIT_ID.test(line)) lines.push(line.replace(AUDIT_ID, `"auditID":"${letter(line)}"`));
  }
  if (lines.length === 0) throw new Error(`${file} holds no audit events`);
  return lines;
}

/** `d`: about a lease. `b`: a read by the system, which the typical filter drops as well. */
function letter(line) {
  if (line.includes(DROPPED)) return 'd';
  const { user, verb } = JSON.parse(line);
  return user?.username?.startsWith('system:') && ['get', 'list', 'watch'].includes(verb) ? 'b' : 'a';
}

/** A line of `recorded` with a number. */
export function numbered(line, number) {
  const at = line.indexOf('"auditID":"') + 12;
  return `${line.slice(0, at)}${MARK}${number.toString(16).padStart(12, '0')}${line.slice(at)}`;
}

/** Writes so many bytes, of lines from a number on; gives lines, bytes and how many lines each filter keeps. */
export async function writeTrail(lines, file, bytes, first = 0) {
  const out = createWriteStream(file, { encoding: 'latin1', highWaterMark: 2 ** 22 });
  const letters = { a: 0, b: 0, d: 0 };
  const trail = { lines: 0, bytes: 0 };
  while (trail.bytes < bytes) {
    const number = first + trail.lines;
    const text = `${numbered(lines[number % lines.length], number)}\n`;
    trail.lines += 1;
    trail.bytes += text.length;
    letters[text[text.indexOf(MARK) - 1]] += 1;
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return { ...trail, kept: { leases: letters.a + letters.b, typical: letters.a } };
}
