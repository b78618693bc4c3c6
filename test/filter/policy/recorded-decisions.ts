import { join } from 'node:path';
import { REPOSITORY } from '../../support/source-files.ts';

/** Policies, and what the API server's own evaluator decides under each of them on each of the events. */
export interface RecordedDecisions {
  readonly events: readonly string[];
  readonly policies: readonly { readonly policy: string; readonly decisions: string }[];
}

/** Written by `AUDITAIL_RECORD=1 npx vitest run --config vitest.real.config.ts test/filter/policy/policy-filter.real.test.ts`. */
export const FIXTURE = join(REPOSITORY, 'test/fixtures/policy/decisions.json');
