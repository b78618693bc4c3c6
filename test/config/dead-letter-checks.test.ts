import { describe, expect, it } from 'vitest';
import { checkDeadLetters } from '../../src/config/dead-letter-checks.ts';
import type { Complaint } from '../../src/config/report.ts';
import { configSchema } from '../../src/config/schema.ts';

function complaints(deadLetter: string, { batch = '1Mi', maxLineBytes = 64 * 2 ** 20 } = {}) {
  const { outputs } = configSchema.parse({
    sources: [{ name: 's', type: 'file', path: '/log' }],
    outputs: [
      { name: 'sound', type: 'stdout' },
      { name: 'o', type: 'stdout', deadLetter: { maxBytes: deadLetter }, batch: { maxBytes: batch } },
    ],
  });
  const found: Complaint[] = [];
  checkDeadLetters(outputs, maxLineBytes, (complaint) => found.push(complaint));
  return found;
}

describe('the bound on a dead letter', () => {
  it('is warned of where a batch that is refused whole could never go into it', () => {
    expect(complaints('64Ki')).toEqual([
      {
        path: ['outputs', 1, 'deadLetter', 'maxBytes'],
        level: 'warning',
        message:
          'is less than batch.maxBytes (1Mi): a batch that is refused whole does not fit even into an empty dead letter, and the output would hold until this is raised',
      },
    ]);
  });

  it('is warned of where the longest line could never go into it', () => {
    expect(complaints('63Mi')).toMatchObject([
      { level: 'warning', message: expect.stringContaining('less than maxLineBytes (64Mi): a line as long as that') },
    ]);
  });

  it.each([
    ['64Mi', {}],
    ['64Ki', { batch: '64Ki', maxLineBytes: 2 ** 16 }],
  ])('is in order where both fit: %s', (deadLetter, limits) => {
    expect(complaints(deadLetter, limits)).toEqual([]);
  });
});
