import { describe, expect, it } from 'vitest';
import { noAnswer, replyWords, tooLarge } from '../../src/output/send-result.ts';
import type { TransportReply } from '../../src/output/transport.ts';
import { BatchBuilder } from '../../src/pipeline/batch.ts';

const batch = new BatchBuilder(0).seal('0'.repeat(32), 'kube', { segment: 's', from: 0, to: 0 });

function replyOf(status: number, more: Partial<TransportReply> = {}): TransportReply {
  return { status, headers: {}, body: Buffer.alloc(0), complete: true, reason: '', words: '', ...more };
}

describe('no answer', () => {
  it.each(['refused', 'reset', 'timeout', 'dns', 'unreachable', 'proxy', 'garbled', 'aborted'])(
    'for %s is tried again',
    (reason) => {
      const { again } = noAnswer({ batch, items: [3, 5] }, replyOf(0, { reason, words: 'as it is' }));
      expect(again).toEqual([{ how: 'retry', items: [3, 5], status: 0, reason, words: 'as it is' }]);
    },
  );

  it.each(['secret', 'tls'])('for %s is held: somebody has to mend it', (reason) => {
    expect(noAnswer({ batch, items: [0] }, replyOf(0, { reason })).again).toMatchObject([{ how: 'hold', reason }]);
  });
});

describe('a request that is too large', () => {
  it('is split, and a single event set aside', () => {
    expect(tooLarge({ batch, items: [1, 2] }, replyOf(413))).toMatchObject({
      again: [{ how: 'split', items: [1, 2] }],
      rejected: [],
    });
    expect(tooLarge({ batch, items: [2] }, replyOf(413))).toMatchObject({
      again: [],
      rejected: [{ item: 2, status: 413, reason: 'too-large', outcome: 'deadLettered' }],
    });
  });
});

describe('the words of an answer', () => {
  it('are where a redirect points to, or what the body says', () => {
    expect(replyWords(replyOf(302, { headers: { location: 'https://login\r\n.example' } }))).toBe(
      'redirected to https://login .example',
    );
    expect(replyWords(replyOf(500, { body: Buffer.from('oh\nno') }))).toBe('oh no');
    expect(replyWords(replyOf(0, { words: 'nobody there' }))).toBe('nobody there');
  });
});
