import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Reference } from './common-schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what a reference points at, without a line end behind it; a sentence where it cannot be had. */
export function resolveReference(
  reference: Reference,
  environment: Environment,
): { readonly text: string } | { readonly problem: string } {
  if (typeof reference === 'string') return { text: reference };
  if ('env' in reference) {
    const text = environment[reference.env];
    if (text === undefined || text === '') return { problem: `the environment variable ${reference.env} is not set` };
    return { text };
  }
  try {
    const text = readFileSync(reference.file, 'utf8').replace(/\r?\n$/, '');
    return text === '' ? { problem: `${reference.file} is empty` } : { text };
  } catch (error) {
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
}
