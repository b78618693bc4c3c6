import { describe, expect, it } from 'vitest';
import { words } from '../../src/output/words.ts';

describe('words', () => {
  it('keeps a plain sentence', () => {
    expect(words('no org id\n')).toBe('no org id');
  });

  it('makes one line of many', () => {
    expect(words('a\r\n\tb\u2028c\u0000d')).toBe('a b c d');
  });

  it('leaves the text of a page', () => {
    const page =
      '<!DOCTYPE html><html><head><style>h1 { color: red }</style><script>evil("<b>")</script><title>413 Too&nbsp;Large</title></head><body><!-- x --><h1>a &lt; b &amp; c</h1></body></html>';
    expect(words(Buffer.from(page))).toBe('413 Too Large a < b & c');
  });

  it('leaves JSON that only mentions tags alone', () => {
    expect(words('{"message":"<nil> is not a <string>"}')).toBe('{"message":"<nil> is not a <string>"}');
  });

  it('takes out what would change a terminal', () => {
    expect(words('\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u202eright\u202c')).toBe('red right');
  });

  it('replaces what is no UTF-8', () => {
    expect(words(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\ufffdb');
  });

  it('cuts between characters and says so', () => {
    const cut = words('€'.repeat(3000));
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(2048);
    expect(cut).toMatch(/^€+…$/u);
  });

  it('has nothing to say of nothing', () => {
    expect(words('')).toBe('');
  });
});
