import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Needles } from '../../../src/filter/redact/needles.ts';
import { mayHoldSecrets } from '../../../src/filter/redact/request-uri.ts';

const PIECES = ['ab', 'aab', 'B', 'bab', 'aba', 'c', '%4', '%', '4F', '\\u00', '\\u004', 'é', '?'];

test('needles are found where a pattern of the same words finds them', () => {
  const needles = new Needles([[...'aabab'], [...'abc'], ['%', '45', 'cf'], ['\\', 'u', '0', '0', '4']]);
  const pattern = /aabab|abc|%[45][cf]|\\u004/i;
  let found = 0;
  const property = fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
    const bytes = Buffer.from(`abc${pieces.join('')}abc`);
    const expected = pattern.test(pieces.join(''));
    expect(needles.standIn(bytes, 3, bytes.length - 3)).toBe(expected);
    expect(needles.standInText(`abc${pieces.join('')}`, 3)).toBe(expected);
    if (expected) found += 1;
  });
  fc.assert(property, { numRuns: 2000 });
  expect(found).toBeGreaterThan(100);
});

test('a quick look at a URI sees what patterns see', () => {
  const inPath = /bearer|eyJ|:\/\/|%3a|%[4-7][0-9a-f]|\\u00[4-7]/i;
  const inQuery = /pass|pwd|secret|token|cred|auth|jwt|sig|key/i;
  const piece = fc.constantFrom(
    'bear',
    'er',
    'Ey',
    'J',
    ':/',
    '/',
    '%',
    '3A',
    '%5',
    'c',
    '\\u00',
    '6',
    '?',
    'pas',
    'S',
    'ke',
    'y',
    'tok',
    'en',
    '&',
    'x',
  );
  const property = fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    const text = pieces.join('');
    const query = text.indexOf('?');
    expect(mayHoldSecrets(text)).toBe(inPath.test(text) || (query !== -1 && inQuery.test(text.slice(query))));
  });
  fc.assert(property, { numRuns: 3000 });
});
