import { readFileSync } from 'node:fs';
import { AuditailError, messageOf } from '../../errors.ts';
import { parsePolicy } from './parse-policy.ts';
import type { Policy } from './policy.ts';

/** @throws {AuditailError} AUD_CONFIG with every finding and its place, where the file is no sound policy */
export function readPolicyFile(from: string | { readonly file: string; readonly lenient: boolean }): Policy {
  const { file, lenient } = typeof from === 'string' ? { file: from, lenient: false } : from;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AuditailError('AUD_CONFIG', `the policy ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const parsed = parsePolicy(text, { lenient });
  if (parsed.ok) return parsed.policy;
  const findings = parsed.findings.map(({ line, column, path, message, hint }) => {
    return `${file}:${line}:${column}  ${path}  ${message}${hint === undefined ? '' : `. ${hint}`}`;
  });
  throw new AuditailError('AUD_CONFIG', `the policy is not sound:\n${findings.join('\n')}`);
}
