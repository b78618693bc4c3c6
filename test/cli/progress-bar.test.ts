import { expect, it } from 'vitest';
import { progressBar } from '../../src/cli/progress-bar.ts';

it('shows how much is done, and never more than all', () => {
  expect(progressBar(0, 0)).toBe('[------------------------]   0 %');
  expect(progressBar(1, 4)).toBe('[######------------------]  25 %');
  expect(progressBar(399, 400)).toBe('[#######################-]  99 %');
  expect(progressBar(5, 4)).toBe('[########################] 100 %');
});
