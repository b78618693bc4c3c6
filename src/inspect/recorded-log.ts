import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { AuditailError, messageOf, systemCode } from '../errors.ts';
import type { Content } from '../log/content.ts';
import { CorruptGzip, GzipContent, PlainContent } from '../log/content.ts';
import { LogNames } from '../log/file-name.ts';
import { LOG_FILES } from '../log/files.ts';
import type { Block } from './block.ts';
import { pipedLines } from './piped-lines.ts';
import { GZIP, UnpackedPipe } from './unpacked-pipe.ts';

export interface RecordedLogOptions {
  /** Files in the order in which they are read; `-` is standard input. */
  readonly files: readonly string[];
  readonly stdin: () => Readable;
  readonly maxLineBytes: number;
}

const STEP = 1024 * 1024;
const NEWLINE = 10;

/** Reads files and pipes, plain or gzipped, from their beginning to their end, once. */
export class RecordedLog {
  readonly #options: RecordedLogOptions;
  /** Bytes read from disk or pipe, of compressed files the compressed ones. */
  readBytes = 0;
  /** Bytes of the files there are, known once the reading begins; 0 where a pipe is among them. */
  totalBytes = 0;

  constructor(options: RecordedLogOptions) {
    this.#options = options;
  }

  /** @throws {AuditailError} AUD_LOG_UNREADABLE, before anything is read where a file is not there */
  async *blocks(): AsyncGenerator<Block> {
    const { files, stdin } = this.#options;
    const sizes: number[] = [];
    for (const file of files) sizes.push(await sizeOf(file));
    this.totalBytes = sizes.includes(-1) ? 0 : sizes.reduce((total, size) => total + size, 0);
    for (const [at, file] of files.entries()) {
      if (file === '-') yield* this.#pipe(stdin(), '-');
      else if (sizes[at] === -1) yield* this.#pipe(createReadStream(file), file);
      else yield* this.#file(file);
    }
  }

  async *#pipe(input: Readable, name: string): AsyncGenerator<Block> {
    const pipe = new UnpackedPipe(this.#counted(input));
    yield* pipedLines(pipe.chunks(), name, this.#options.maxLineBytes);
    if (pipe.failure !== null) yield { type: 'unreadable', name, words: pipe.failure };
  }

  #counted(input: Readable): Readable {
    input.on('data', (chunk: Buffer) => {
      this.readBytes += chunk.length;
    });
    // Nothing flows before somebody reads.
    return input.pause();
  }

  async *#file(file: string): AsyncGenerator<Block> {
    const fd = await LOG_FILES.open(file);
    const counting: typeof LOG_FILES = {
      ...LOG_FILES,
      read: async (...args) => {
        const count = await LOG_FILES.read(...args);
        this.readBytes += count;
        return count;
      },
    };
    const head = Buffer.alloc(2);
    const isGzip = (await LOG_FILES.read(fd, head, 0, 2, 0)) === 2 && head.equals(GZIP);
    const content = isGzip ? new GzipContent(counting, fd) : new PlainContent(counting, fd);
    try {
      yield* blocksOf(content, file, this.#options.maxLineBytes);
    } catch (error) {
      if (!(error instanceof CorruptGzip) && systemCode(error) === '') throw error;
      yield { type: 'unreadable', name: file, words: messageOf(error) };
    } finally {
      content.close();
      await LOG_FILES.close(fd);
    }
  }
}

async function* blocksOf(content: Content, name: string, maxLineBytes: number): AsyncGenerator<Block> {
  let bytes = Buffer.allocUnsafe(STEP);
  let offset = 0;
  let filled = 0;
  /** Bytes of a line that is too long and has not ended yet. */
  let skipping = 0;
  for (;;) {
    if (filled === bytes.length) {
      const larger = Buffer.allocUnsafe(bytes.length * 2);
      bytes.copy(larger, 0, 0, filled);
      bytes = larger;
    }
    const from = filled;
    const count = await readOrRest(content, offset, bytes, filled, name);
    if (typeof count !== 'number' || count === 0) {
      if (skipping > 0) yield { type: 'too-long', name, bytes: skipping + filled };
      else if (filled > 0) yield { type: 'lines', name, bytes, start: 0, end: filled };
      if (typeof count !== 'number') yield count;
      return;
    }
    offset += count;
    filled += count;
    let start = 0;
    if (skipping > 0) {
      const newline = bytes.subarray(0, filled).indexOf(NEWLINE);
      if (newline === -1) {
        skipping += filled;
        filled = 0;
        continue;
      }
      yield { type: 'too-long', name, bytes: skipping + newline };
      skipping = 0;
      start = newline + 1;
    }
    const end = bytes.subarray(Math.max(start, from), filled).lastIndexOf(NEWLINE) + 1 + Math.max(start, from);
    if (end > Math.max(start, from)) {
      yield { type: 'lines', name, bytes, start, end };
      start = end;
    }
    bytes.copyWithin(0, start, filled);
    filled -= start;
    if (filled > maxLineBytes) {
      skipping = filled;
      filled = 0;
    }
  }
}

/** A compressed file that is cut off gives what stands before the cut; so the last line is not lost with the rest. */
async function readOrRest(
  content: Content,
  offset: number,
  bytes: Buffer,
  at: number,
  name: string,
): Promise<number | Block> {
  try {
    return await content.read(offset, bytes, at, bytes.length - at);
  } catch (error) {
    if (error instanceof CorruptGzip) return { type: 'unreadable', name, words: error.message };
    throw error;
  }
}

/** -1 for what is read as a pipe. */
async function sizeOf(file: string): Promise<number> {
  if (file === '-') return -1;
  try {
    const facts = await LOG_FILES.factsOf(file);
    if (facts === null) {
      throw new AuditailError('AUD_LOG_UNREADABLE', `${file} is not there`, {
        hint: 'Name files that the API server wrote, or - for standard input.',
      });
    }
    if (!facts.regular) return await pipeOrDirectory(file);
    await LOG_FILES.close(await LOG_FILES.open(file));
    return facts.size;
  } catch (error) {
    if (error instanceof AuditailError) throw error;
    throw new AuditailError('AUD_LOG_UNREADABLE', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'The API server creates the log for its own user only: run as that user or as root.',
      cause: error,
    });
  }
}

async function pipeOrDirectory(file: string): Promise<number> {
  const entries = await LOG_FILES.list(file).then(
    () => true,
    () => false,
  );
  if (!entries) return -1;
  throw new AuditailError('AUD_LOG_UNREADABLE', `${file} is a directory`, {
    hint: `Name the log in it and --backups, such as ${file.replace(/\/$/, '')}/audit.log --backups.`,
  });
}

/**
 * A log and its backups, oldest first. Of a backup that is there plain and compressed the plain one is taken: while
 * the API server compresses, the other is not whole yet.
 */
export async function withBackups(file: string): Promise<readonly string[]> {
  const names = new LogNames(file);
  let present: readonly string[];
  try {
    present = await LOG_FILES.list(names.directory);
  } catch (error) {
    throw new AuditailError('AUD_LOG_UNREADABLE', `${names.directory} cannot be listed: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const backups = new Map<number, { readonly name: string; readonly compressed: boolean }>();
  for (const backup of present.flatMap((name) => names.parse(name) ?? [])) {
    if (!backup.compressed || !backups.has(backup.instantMs)) backups.set(backup.instantMs, backup);
  }
  const sorted = [...backups].sort(([a], [b]) => a - b).map(([, { name }]) => names.path(name));
  return present.includes(basename(file)) || sorted.length === 0 ? [...sorted, file] : sorted;
}
