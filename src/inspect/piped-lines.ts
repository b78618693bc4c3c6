import { Readable, pipeline } from 'node:stream';
import split2 from 'split2';
import type { Block } from './block.ts';

const NEWLINE = 10;

/**
 * The lines of a pipe, a block each. split2 cuts them; it sees the bytes as Latin-1, in which every byte is one
 * character and comes back as it was.
 */
export async function* pipedLines(
  input: AsyncIterable<Buffer>,
  name: string,
  maxLineBytes: number,
): AsyncGenerator<Block> {
  const feed = new Feed(input, maxLineBytes);
  const lines = split2('\n', { decodeStrings: false, maxLength: maxLineBytes, skipOverflow: true });
  pipeline(Readable.from(feed.texts()), lines, () => {
    // How it ended is seen by whoever reads the lines.
  });
  let held: string | null = null;
  let count = 0;
  for await (const line of lines as AsyncIterable<string>) {
    if (held !== null) yield blockOf(held, name, true, maxLineBytes);
    held = line;
    count += line === '' ? 0 : 1;
  }
  if (held !== null) yield blockOf(held, name, feed.ended, maxLineBytes);
  // What split2 passed over it does not tell.
  for (let passed = feed.lines - count; passed > 0; passed -= 1) yield { type: 'too-long', name, bytes: 0 };
}

function blockOf(line: string, name: string, ended: boolean, maxLineBytes: number): Block {
  if (line.length > maxLineBytes) return { type: 'too-long', name, bytes: line.length };
  const bytes = Buffer.from(ended ? `${line}\n` : line, 'latin1');
  return { type: 'lines', name, bytes, start: 0, end: bytes.length };
}

/**
 * Hands on the text of the pipe in pieces that end where a line may end: split2 looks at all it holds of a line again
 * with each piece, which takes a minute for a line of 60 MB in pieces of 64 KiB.
 */
class Feed {
  /** Lines that hold something. */
  lines = 0;
  /** Whether the last of them had its line feed. */
  ended = true;
  readonly #input: AsyncIterable<Buffer>;
  readonly #maxLineBytes: number;

  constructor(input: AsyncIterable<Buffer>, maxLineBytes: number) {
    this.#input = input;
    this.#maxLineBytes = maxLineBytes;
  }

  async *texts(): AsyncGenerator<string> {
    let held: string[] = [];
    let length = 0;
    for await (const bytes of this.#input) {
      this.#count(bytes);
      held.push(bytes.toString('latin1'));
      length += bytes.length;
      if (bytes.includes(NEWLINE) || length > this.#maxLineBytes) {
        yield held.join('');
        held = [];
        length = 0;
      }
    }
    if (held.length > 0) yield held.join('');
  }

  #count(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline === -1 ? bytes.length : newline;
      if (this.ended && end > at) this.lines += 1;
      this.ended = newline !== -1 || (this.ended && end === at);
      at = end + 1;
    }
  }
}
