// The trail of the benchmark: a recorded log, over and over, each line with an Audit-ID of its own that holds its number.
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Behind a letter, which says whether the filter of the benchmark drops the line; the number follows as 12 hexadecimal digits. */
export const MARK = '0d17a11-5e9e-4be4-9c4e-';
export const KEPT = 'a';
const NOT_KEPT = 'd';
/** What it drops: every shipper can look for these bytes, and auditail for the field. */
export const DROPPED = '"resource":"leases"';

const AUDIT_ID = /"auditID":"[^"]*"/;

/** The lines of a recorded log, as latin1: each byte is a character, and none is changed. */
export async function recorded(file) {
  const lines = [];
  const input = createReadStream(file, { encoding: 'latin1' });
  for await (const line of createInterface({ input, crlfDelay: 0 })) {
    if (AUDIT_ID.test(line)) lines.push(line);
  }
  if (lines.length === 0) throw new Error(`${file} holds no audit events`);
  return lines;
}

/** The line with a number, and with what marks it as one to be dropped. */
export function numbered(line, number) {
  const mark = `${line.includes(DROPPED) ? NOT_KEPT : KEPT}${MARK}`;
  return line.replace(AUDIT_ID, `"auditID":"${mark}${number.toString(16).padStart(12, '0')}"`);
}

/** Writes so many bytes; gives lines, bytes and how many of the lines are kept by the filter. */
export async function writeTrail(lines, file, bytes) {
  const out = createWriteStream(file, { encoding: 'latin1', highWaterMark: 2 ** 22 });
  const trail = { lines: 0, bytes: 0, kept: 0 };
  while (trail.bytes < bytes) {
    const text = `${numbered(lines[trail.lines % lines.length], trail.lines)}\n`;
    trail.lines += 1;
    trail.bytes += text.length;
    if (text.includes(KEPT + MARK)) trail.kept += 1;
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return trail;
}
