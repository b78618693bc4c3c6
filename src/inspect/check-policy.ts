import fs from 'node:fs';
import type { Config, OutputConfig } from '../config/schema.ts';
import { SLOT } from '../event/field.ts';
import { lintPolicy } from '../filter/policy/lint.ts';
import { LEVELS, type Level } from '../filter/policy/policy.ts';
import { readPolicyFile } from '../filter/policy/read-policy-file.ts';
import type { Finding } from '../output/output.ts';
import { EventWalk } from './event-walk.ts';
import { problemsOf } from './opened-policy.ts';

/** So much of the end of a log tells which levels its API server writes. */
const LOOKED_AT = 16 * 2 ** 20;

/** What the policy of an output asks for that its logs do not hold. The file has been read as part of the configuration. */
export function checkPolicy({ filter: { policy }, sources }: OutputConfig, config: Config): readonly Finding[] {
  if (policy === undefined) return [];
  const file = typeof policy === 'string' ? policy : policy.file;
  const logs = config.sources.filter(({ type, name }) => type === 'file' && (sources?.includes(name) ?? true));
  const levels = logs.flatMap((source) => (source.type === 'file' ? levelsIn(source.path) : []));
  const ok: Finding = { level: 'ok', text: `policy ${file}` };
  if (levels.length === 0) return [ok];
  const highestLevel = LEVELS[Math.max(...levels.map((level) => LEVELS.indexOf(level)))] as Level;
  const read = readPolicyFile(policy);
  const known = new Set(lintPolicy(read).map(({ message, path }) => `${path} ${message}`));
  const more = lintPolicy(read, { highestLevel }).filter(({ message, path }) => !known.has(`${path} ${message}`));
  const findings = problemsOf(file, more).map(
    ({ place, path, message }): Finding => ({ level: 'warning', text: `${place.text} ${path} ${message}` }),
  );
  return findings.length === 0 ? [ok] : findings;
}

/** The levels of the events at the end of a log; none where it cannot be read, which is told of the source. */
function levelsIn(file: string): readonly Level[] {
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fs.fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, LOOKED_AT));
    const from = size - bytes.length;
    const read = fs.readSync(descriptor, bytes, 0, bytes.length, from);
    // Reading begins within a line, as a rule.
    const start = from === 0 ? 0 : bytes.indexOf(10) + 1;
    const seen = new Set<string>();
    const block = { type: 'lines', name: file, bytes, start, end: read } as const;
    new EventWalk().walk(block, (event) => seen.add(event.text(SLOT.level)));
    return LEVELS.filter((level) => seen.has(level));
  } finally {
    fs.closeSync(descriptor);
  }
}
