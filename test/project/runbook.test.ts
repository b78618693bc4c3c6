import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

describe('the runbook', () => {
  it.each(Object.keys(ERROR_CODES))('says what %s means and what to do', (code) => {
    expect(runbook).toContain(`\n### ${code}\n`);
  });

  it('knows no code that the program does not have', () => {
    const headings = [...runbook.matchAll(/^### (AUD_\w+)$/gm)].map((match) => match[1]);
    expect(headings.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });
});
