import { expect, it } from 'vitest';
import { urlSecrets } from '../../src/output/url-secrets.ts';

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

it('finds the password of a proxy, as it is written and as it is sent', () => {
  expect(urlSecrets(['http://squid:p%40ssw%C3%B6rd@proxy:3128', '', 'no url'], [])).toEqual([
    'p%40ssw%C3%B6rd',
    'p@sswörd',
    base64('squid:p@sswörd'),
  ]);
  expect(urlSecrets(['http://proxy:3128'], [])).toEqual([]);
});

it('finds what stands in the query of a URL under a telling name, and leaves the rest to be read', () => {
  const url = 'https://h/in?token=tok-123456&_stream_fields=verb&api_key=a%2Fbcdefg';
  expect(urlSecrets([], [url])).toEqual(['tok-123456', 'a/bcdefg', 'a%2Fbcdefg']);
});

it.each(['sig', 'signature', 'code', 'pwd', 'passwd', 'X-Amz-Credential'])('knows %s for a telling name', (name) => {
  expect(urlSecrets([], [`https://h/in?${name}=abcdefgh`])).toEqual(['abcdefgh']);
});
