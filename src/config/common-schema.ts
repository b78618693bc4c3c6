import * as z from 'zod';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** A name that becomes part of metrics, log lines and file names. */
export function name(description: string) {
  return z
    .string()
    .regex(
      NAME,
      'must be letters, digits, dots, dashes and underscores, 64 of them at most, and begin and end with a letter or digit',
    )
    .describe(description);
}

/** Whether text is host:port; an empty host means all addresses. */
export function isAddress(text: string): boolean {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s[\]]*):(\d{1,5})$/.exec(text);
  return match !== null && Number(match[1]) <= 65_535;
}

/** A value in the file, or where to take it from. Secrets are never interpolated into text. */
export function reference(description: string) {
  return z
    .union(
      [
        z.string(),
        z.strictObject({ env: z.string().min(1).describe('Name of an environment variable.') }),
        z.strictObject({ file: z.string().min(1).describe('Path of a file; read again when it changes.') }),
      ],
      { error: 'must be text, { env: NAME } or { file: PATH }' },
    )
    .meta({ title: 'text or reference', description });
}

/** URL of a receiver. Credentials have their own keys, so that they never stand in a log line. */
export const url = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an http:// or https:// URL',
  )
  .refine((text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''), {
    error: 'must not carry a user name or password; use auth.basic',
  });

/** Text as it stands in the file, or where to take it from. */
export type Reference = string | { readonly env: string } | { readonly file: string };
