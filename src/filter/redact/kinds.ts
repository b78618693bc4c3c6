import type { Mark } from '../filter.ts';

/** What is redacted; the words stand in the annotation, the metrics and docs/filters.md. */
export const REDACTIONS = [
  'secret-data', // values of data and stringData of a Secret
  'last-applied', // copies of a Secret that tools keep in its annotations
  'token', // tokens of TokenRequest and TokenReview, JSON Web Tokens anywhere
  'bearer', // what follows `Bearer`, or `Authorization: Basic`
  'uri', // passwords and tokens in URIs and in commands that stand in URIs
  'helm-release', // a release that Helm keeps in a ConfigMap
  'message', // what a failure quotes of a Secret
  'path', // what the configuration names
] as const;

export type Redaction = (typeof REDACTIONS)[number];

/** Stands where a value was. */
export const MARKER = '[redacted]';

/** What the account counts each kind by. */
export const REDACTION_MARKS = Object.fromEntries(
  REDACTIONS.map((kind): [Redaction, Mark] => [kind, { what: 'redacted', kind }]),
) as Readonly<Record<Redaction, Mark>>;
