import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Content } from '../../src/log/content.ts';
import { checkMark, identify, MARK_BYTES, markOf } from '../../src/log/identity.ts';

/** Content that comes in pieces of any size, as from a file that is being unpacked. */
function contentOf(bytes: Buffer, step = Number.POSITIVE_INFINITY): Content {
  return {
    read: async (offset, into, at, length) =>
      bytes.copy(into, at, offset, Math.min(bytes.length, offset + Math.min(length, step))),
    close: async () => undefined,
  };
}

function idOf(text: string, final = false): Promise<string | undefined> {
  return identify(contentOf(Buffer.from(text, 'latin1')), final).then((identity) => identity?.id);
}

describe('the identity of a file', () => {
  it('is its first complete line, whatever comes behind it', async () => {
    expect(await idOf('one\ntwo\n')).toBe(await idOf('one\n'));
    expect(await idOf('one\n')).not.toBe(await idOf('two\n'));
  });

  it('is not known before that is complete, unless nothing more will come', async () => {
    expect(await idOf('one')).toBeUndefined();
    expect(await idOf('one', true)).toBe(await idOf('one\n'));
    expect(await idOf('')).toBeUndefined();
    expect(await idOf('', true)).toBeUndefined();
  });

  it('does not count NULs before the line', async () => {
    expect(await idOf(`${'\0'.repeat(200_000)}one\n`)).toBe(await idOf('one\n'));
    expect(await idOf('\0'.repeat(200_000), true)).toBeUndefined();
  });

  it('counts 64 KiB of a long line, complete or not', async () => {
    const long = 'x'.repeat(64 * 1024);
    expect(await idOf(long)).toBe(await idOf(`${long}y\n`));
  });

  it('is the same in whatever pieces it is read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), async (bytes, step) => {
        const whole = Buffer.from(bytes);
        const one = await identify(contentOf(whole), true);
        expect((await identify(contentOf(whole, step), true))?.id).toBe(one?.id);
      }),
    );
  });
});

describe('a mark', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => `${index}\n`).join(''));

  it('holds where the bytes before it are the same, differs where they are not, and is beyond a shorter file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: bytes.length }),
        fc.integer({ min: 1, max: 100 }),
        async (offset, step) => {
          const mark = { offset, hash: markOf(bytes.subarray(0, offset)) };
          expect(await checkMark(contentOf(bytes, step), mark)).toBe('holds');
          expect(await checkMark(contentOf(bytes.subarray(0, offset - 1), step), mark)).toBe('beyond');
          const changed = Buffer.from(bytes);
          changed[offset - 1] = 0;
          expect(await checkMark(contentOf(changed, step), mark)).toBe('differs');
        },
      ),
    );
  });

  it('covers so many bytes and no more', async () => {
    const mark = { offset: 1000, hash: markOf(bytes.subarray(0, 1000)) };
    const changed = Buffer.from(bytes);
    changed[1000 - MARK_BYTES - 1] = 0;
    expect(await checkMark(contentOf(changed), mark)).toBe('holds');
    changed[1000 - MARK_BYTES] = 0;
    expect(await checkMark(contentOf(changed), mark)).toBe('differs');
  });
});
