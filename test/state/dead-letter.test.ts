import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeadLetterFiles } from '../../src/state/dead-letter.ts';
import type { DeadLetterOptions } from '../../src/state/dead-letter.ts';
import type { DeadLetterKey, DeadLetterMeta } from '../../src/state/dead-letter-record.ts';
import { REAL_FILES } from '../../src/state/files.ts';
import { readDeadLetters, removeDeadLetters } from '../../src/state/read-dead-letter.ts';
import { faultyFiles, systemError } from './faulty-files.ts';
import { letter, letterMeta, openFence } from './samples.ts';
import { scratchDirectory } from './scratch.ts';

const MIB = 1024 * 1024;

let parent: string;
let directory: string;

beforeEach(() => {
  parent = scratchDirectory();
  directory = path.join(parent, 'dead-letter');
});

afterEach(() => {
  fs.rmSync(parent, { recursive: true, force: true });
});

function open(options: Partial<DeadLetterOptions> = {}): Promise<DeadLetterFiles> {
  return DeadLetterFiles.open(directory, openFence(), { maxBytes: 1024 * MIB, ...options });
}

async function stored(): Promise<{ key: DeadLetterKey; meta: DeadLetterMeta; bytes: Buffer }[]> {
  const all = [];
  for await (const { key, meta, bytes } of readDeadLetters(directory)) all.push({ key, meta, bytes: await bytes() });
  return all;
}

async function offsets(): Promise<number[]> {
  return (await stored()).map(({ key }) => key.offset);
}

async function keysOf(wanted: readonly number[]): Promise<DeadLetterKey[]> {
  return (await stored()).map(({ key }) => key).filter(({ offset }) => wanted.includes(offset));
}

function recordFiles(): string[] {
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.records'))
    .map((name) => path.join(directory, name));
}

const onlyFile = () => recordFiles()[0] as string;

describe('what was set aside', () => {
  test('comes back byte for byte, with the reason', async () => {
    const box = await open();
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const records = [letter(0), letter(20, all), letter(300, ''), letter(301, '\n\n'), letter(303, 'zwölf \0')];
    expect(await box.append(records)).toEqual({ full: false, added: 5 });
    const back = await stored();
    expect(back.map(({ meta, bytes }) => ({ meta, bytes }))).toEqual(records);
    expect(back.map(({ key }) => key.record)).toEqual([1, 2, 3, 4, 5]);
    expect(box.records).toBe(5);
    expect(box.bytes).toBe(fs.statSync(onlyFile()).size);
  });

  test('can be looked at by a person, and by its owner only', async () => {
    const box = await open();
    await box.append([letter(0)]);
    expect(fs.readFileSync(onlyFile(), 'utf8')).toMatch(
      /^\{"format":"auditail-dead-letter","version":1,"record":1,"bytes":11,.*"reason":"mapper_parsing_exception",.*\}\n\{"event":0\}\n$/,
    );
    expect(fs.statSync(onlyFile()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('stands in it once, in one call, later, and after a restart', async () => {
    const box = await open();
    expect(await box.append([letter(0), letter(0), letter(1)])).toEqual({ full: false, added: 2 });
    expect(await box.append([letter(1), letter(2)])).toEqual({ full: false, added: 1 });
    await box.close();
    const again = await open();
    expect(await again.append([letter(0), letter(2), letter(3)])).toEqual({ full: false, added: 1 });
    expect(await offsets()).toEqual([0, 1, 2, 3]);
    expect(again.records).toBe(4);
  });

  test('is bounded: what does not fit is not written at all', async () => {
    const box = await open({ maxBytes: 1500 });
    await box.append([letter(0), letter(1)]);
    const before = box.bytes;
    expect(await box.append([letter(2), letter(3), letter(4)])).toEqual({ full: true, neededBytes: before * 1.5 });
    expect(box.bytes).toBe(before);
    expect(await offsets()).toEqual([0, 1]);
    expect(await box.append([letter(0)])).toEqual({ full: false, added: 0 });
    expect(await box.append([letter(2)])).toEqual({ full: false, added: 1 });
  });

  test('may be longer than any file, and is copied in pieces', async () => {
    const box = await open({ maxFileBytes: MIB });
    await box.append([letter(0)]);
    const length = 5 * MIB + 123;
    const source = Buffer.alloc(length, 'line ');
    const sizes: number[] = [];
    const read = async (offset: number, into: Buffer) => {
      sizes.push(into.length);
      return source.copy(into, 0, offset);
    };
    expect(await box.appendFrom(read, length, letterMeta(1))).toEqual({ full: false, added: 1 });
    expect(await box.appendFrom(read, length, letterMeta(1))).toEqual({ full: false, added: 0 });
    expect(Math.max(...sizes)).toBe(MIB);
    await box.append([letter(2)]);
    const [, long] = await stored();
    expect(long?.bytes.equals(source)).toBe(true);
    for await (const { key, length: size, chunks } of readDeadLetters(directory)) {
      if (key.offset !== 1) continue;
      expect(size).toBe(length);
      for await (const chunk of chunks()) expect(chunk.length).toBeLessThanOrEqual(MIB);
    }
    expect(recordFiles()).toHaveLength(3);
    await box.close();
    expect((await open()).records).toBe(3);
  });

  test('is not stored when its source is shorter, changes meanwhile, or cannot be read', async () => {
    const box = await open();
    const ten = Buffer.alloc(10);
    const short = async (offset: number, into: Buffer) => ten.copy(into, 0, offset);
    await expect(box.appendFrom(short, 11, letterMeta(0))).rejects.toMatchObject({ code: 'AUD_LOG_UNREADABLE' });
    let reads = 0;
    const changing = async (_offset: number, into: Buffer) => {
      reads += 1;
      into.fill(reads);
      return into.length;
    };
    await expect(box.appendFrom(changing, 10, letterMeta(0))).rejects.toMatchObject({ code: 'AUD_LOG_UNREADABLE' });
    const failure = new Error('EIO');
    const broken = () => Promise.reject(failure);
    await expect(box.appendFrom(broken, 10, letterMeta(0))).rejects.toMatchObject({ code: 'AUD_LOG_UNREADABLE' });
    await box.append([letter(1)]);
    expect(await offsets()).toEqual([1]);
    expect(box.bytes).toBe(fs.statSync(onlyFile()).size);
  });

  test('lies in files of a bounded size, each named for its first record', async () => {
    const box = await open({ maxFileBytes: 1000 });
    await box.append(Array.from({ length: 10 }, (_, offset) => letter(offset)));
    expect(recordFiles().length).toBeGreaterThan(3);
    for (const file of recordFiles()) expect(fs.statSync(file).size).toBeLessThanOrEqual(1000);
    expect(path.basename(onlyFile())).toBe('0000000000000001.records');
    expect(await offsets()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('can be read while more is appended', async () => {
    const box = await open({ maxFileBytes: 1000 });
    await box.append([letter(0), letter(1), letter(2)]);
    const seen: number[] = [];
    for await (const { key, bytes } of readDeadLetters(directory)) {
      seen.push(key.offset);
      expect((await bytes()).toString()).toBe(`{"event":${key.offset}}`);
      await box.append([letter(100 + key.offset)]);
    }
    expect(seen.slice(0, 3)).toEqual([0, 1, 2]);
  });
});

describe('a crash', () => {
  test('in the middle of a record leaves those before it, and the event can be set aside again', async () => {
    const box = await open();
    await box.append([letter(0), letter(1)]);
    const whole = fs.statSync(onlyFile()).size;
    await box.append([letter(2, 'x'.repeat(500))]);
    await box.close();
    fs.truncateSync(onlyFile(), fs.statSync(onlyFile()).size - 100);
    expect(await offsets()).toEqual([0, 1]);
    const again = await open();
    expect(again.findings).toEqual([expect.objectContaining({ what: 'torn', file: onlyFile() })]);
    expect(fs.statSync(onlyFile()).size).toBe(whole);
    expect(await again.append([letter(2)])).toEqual({ full: false, added: 1 });
    expect(await offsets()).toEqual([0, 1, 2]);
  });

  test('of the machine that left zeros at the end leaves those before them', async () => {
    const box = await open();
    await box.append([letter(0)]);
    await box.close();
    fs.appendFileSync(onlyFile(), Buffer.alloc(5000));
    const again = await open();
    expect(again.findings.map(({ what }) => what)).toEqual(['torn']);
    await again.append([letter(1)]);
    expect(await offsets()).toEqual([0, 1]);
  });
  test('between a removal and the end of its mark uses no number again', async () => {
    const box = await open();
    await box.append([letter(0), letter(1)]);
    await removeDeadLetters(directory, await keysOf([0, 1]));
    await box.close();
    fs.truncateSync(onlyFile(), 0);
    const again = await open();
    await again.append([letter(0)]);
    expect((await stored()).map(({ key }) => key.record)).toEqual([3]);
  });

  test('of the disk that leaves half a record behind, for good, hides nothing that comes after it', async () => {
    let broken = false;
    const files = faultyFiles(
      REAL_FILES,
      (name) => (!broken ? 'pass' : name === 'write' ? 'half' : name === 'truncate' ? 'fail' : 'pass'),
      () => systemError('EIO'),
    );
    const box = await open({ files });
    await box.append([letter(0), letter(1)]);
    const keys = await keysOf([0]);
    broken = true;
    await expect(box.append([letter(2)])).rejects.toMatchObject({ code: 'AUD_STATE_UNWRITABLE' });
    broken = false;
    await box.remove(keys);
    await box.append([letter(3)]);
    expect(await offsets()).toEqual([1, 3]);
    expect(box.bytes).toBe(fs.statSync(onlyFile()).size);
  });
});

describe('damage', () => {
  test('of a header hides that record only, and is said', async () => {
    const box = await open();
    await box.append([letter(0), letter(1), letter(2)]);
    await box.close();
    const bytes = fs.readFileSync(onlyFile());
    bytes[bytes.indexOf('"record":2') + 9] = 0x39;
    fs.writeFileSync(onlyFile(), bytes);
    expect(await offsets()).toEqual([0, 2]);
    const again = await open();
    expect(again.findings).toEqual([expect.objectContaining({ what: 'damaged' })]);
    expect(again.bytes).toBe(bytes.length);
    expect(await again.append([letter(1)])).toEqual({ full: false, added: 1 });
  });

  test('of an event is an error for whoever reads it, and costs no other', async () => {
    const box = await open();
    await box.append([letter(0), letter(1), letter(2)]);
    await box.close();
    const bytes = fs.readFileSync(onlyFile());
    bytes[bytes.indexOf('{"event":2}') + 9] = 0x39;
    fs.writeFileSync(onlyFile(), bytes);
    const seen: string[] = [];
    for await (const { bytes: read } of readDeadLetters(directory)) {
      seen.push(await read().then(String, (error: { code: string }) => error.code));
    }
    expect(seen).toEqual(['{"event":0}', '{"event":1}', 'AUD_STATE_DAMAGED']);
    const again = await open();
    expect(again.findings).toEqual([expect.objectContaining({ what: 'damaged' })]);
    expect(fs.readFileSync(onlyFile())).toEqual(bytes);
    expect(await again.append([letter(2), letter(1)])).toEqual({ full: false, added: 1 });
  });
});

describe('removal', () => {
  test('takes records out and frees their space', async () => {
    const box = await open({ maxFileBytes: 1000 });
    await box.append(Array.from({ length: 10 }, (_, offset) => letter(offset)));
    await box.remove(await keysOf([0, 1, 2, 3, 5, 9]));
    expect(await offsets()).toEqual([4, 6, 7, 8]);
    expect(box.records).toBe(4);
    expect(box.bytes).toBe(recordFiles().reduce((sum, file) => sum + fs.statSync(file).size, 0));
    expect(fs.readdirSync(directory).every((name) => name.endsWith('.records'))).toBe(true);
    await box.close();
    const again = await open({ maxFileBytes: 1000 });
    expect(again.records).toBe(4);
    expect(await again.append([letter(4), letter(9)])).toEqual({ full: false, added: 1 });
  });

  test('of all leaves an empty box that numbers on', async () => {
    const box = await open();
    await box.append([letter(0), letter(1)]);
    await box.remove(await keysOf([0, 1]));
    expect([box.records, box.bytes, await offsets()]).toEqual([0, 0, []]);
    await box.close();
    const again = await open();
    await again.append([letter(0)]);
    expect((await stored()).map(({ key }) => key.record)).toEqual([3]);
  });

  test('by another process counts at once for readers, and for the agent with its next append', async () => {
    const box = await open({ maxBytes: 1500 });
    await box.append([letter(0), letter(1), letter(2)]);
    expect(await box.append([letter(3), letter(4)])).toMatchObject({ full: true });
    await removeDeadLetters(directory, await keysOf([0, 1]));
    expect(await offsets()).toEqual([2]);
    expect(await box.append([letter(3), letter(4)])).toEqual({ full: false, added: 2 });
    expect(await offsets()).toEqual([2, 3, 4]);
    expect(fs.readdirSync(directory)).toHaveLength(1);
  });

  test('may name more records than a call takes arguments', async () => {
    const box = await open();
    await box.append([letter(0), letter(1)]);
    const [gone] = await keysOf([0]);
    const others = Array.from({ length: 150_000 }, (_, at) => ({ ...(gone as DeadLetterKey), record: at + 10 }));
    await removeDeadLetters(directory, [gone as DeadLetterKey, ...others]);
    expect(await offsets()).toEqual([1]);
    expect(await box.append([letter(2)])).toEqual({ full: false, added: 1 });
    expect(await offsets()).toEqual([1, 2]);
  });

  test('names a record and not an event: what is set aside again afterwards stays', async () => {
    const box = await open();
    await box.append([letter(0), letter(1)]);
    const keys = await keysOf([0]);
    await box.remove(keys);
    await box.append([letter(0)]);
    await box.remove(keys);
    expect(await offsets()).toEqual([1, 0]);
  });

  test('leaves what is damaged where it is', async () => {
    const box = await open();
    await box.append([letter(0), letter(1), letter(2)]);
    await box.close();
    const bytes = fs.readFileSync(onlyFile());
    bytes[bytes.indexOf('"record":2') + 9] = 0x39;
    fs.writeFileSync(onlyFile(), bytes);
    const again = await open();
    await again.remove(await keysOf([0]));
    expect(await offsets()).toEqual([2]);
    expect(fs.readFileSync(onlyFile()).includes('{"event":1}')).toBe(true);
  });

  test('of nothing does nothing', async () => {
    const box = await open();
    await box.remove([]);
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
