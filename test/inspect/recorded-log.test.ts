import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { EventWalk } from '../../src/inspect/event-walk.ts';
import { RecordedLog, withBackups } from '../../src/inspect/recorded-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EVENTS = fs.readFileSync(new URL('../fixtures/events.log', import.meta.url));
const LINES = EVENTS.toString('latin1').split('\n').slice(0, -1);

const GZIP_HEAD = Buffer.from([0x1f, 0x8b]);

function chunks(bytes: Buffer, size: number): Readable {
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  return Readable.from(parts);
}

async function read(files: readonly string[], { stdin = Readable.from([]), maxLineBytes = 2 ** 20 } = {}) {
  const log = new RecordedLog({ files, stdin: () => stdin, maxLineBytes });
  const walk = new EventWalk();
  const events: string[] = [];
  const places: string[] = [];
  for await (const block of log.blocks()) {
    walk.walk(block, ({ bytes, start, end }, { name, line }) => {
      events.push(bytes.toString('latin1', start, end));
      places.push(`${path.basename(name)}:${line}`);
    });
  }
  return { events, places, walk, log };
}

function file(content: Buffer | string, name = 'audit.log'): string {
  const at = path.join(temporaryDirectory(), name);
  fs.writeFileSync(at, content);
  return at;
}

it('gives the events of a file as they stand there, with file and line', async () => {
  const { events, places, walk, log } = await read([file(EVENTS)]);
  expect(events).toEqual(LINES);
  expect(places.slice(0, 2)).toEqual(['audit.log:1', 'audit.log:2']);
  expect(walk).toMatchObject({ events: 60, bytes: EVENTS.length - 60, asides: [], unreadable: [] });
  expect(log).toMatchObject({ readBytes: EVENTS.length, totalBytes: EVENTS.length });
});

it('gives the same of a gzipped file, whatever it is called', async () => {
  const { events } = await read([file(gzipSync(EVENTS), 'trail')]);
  expect(events).toEqual(LINES);
});

it.each([1, 7, 1000, 65_536])('gives the same of a pipe that brings %i bytes at a time', async (size) => {
  const { events, places } = await read(['-'], { stdin: chunks(EVENTS, size) });
  expect(events).toEqual(LINES);
  expect(places.at(-1)).toBe('-:60');
});

it.each([1, 7, 65_536])('gives the same of a gzipped pipe that brings %i bytes at a time', async (size) => {
  // As `cat` of rotated backups gives them, one behind the other.
  const half = EVENTS.indexOf(LINES[30] as string, 0, 'latin1');
  const packed = Buffer.concat([gzipSync(EVENTS.subarray(0, half)), gzipSync(EVENTS.subarray(half))]);
  const { events, walk, log } = await read(['-'], { stdin: chunks(packed, size) });
  expect(events).toEqual(LINES);
  expect(walk).toMatchObject({ events: 60, asides: [], unreadable: [] });
  expect(log.readBytes).toBe(packed.length);
});

it.each([
  ['cut off', (packed: Buffer) => packed.subarray(0, packed.length - 100)],
  ['damaged', (packed: Buffer) => Buffer.concat([packed.subarray(0, 900), Buffer.alloc(300), packed.subarray(1200)])],
])('reads a gzipped pipe that is %s as far as it goes, and says so', async (_, spoil) => {
  const { events, walk } = await read(['-'], { stdin: chunks(spoil(gzipSync(EVENTS)), 1000) });
  expect(events).toEqual(LINES.slice(0, events.length));
  expect(walk.unreadable).toEqual([expect.stringMatching(/-: cannot be unpacked from here on: /)]);
});

it.each([[Buffer.alloc(0)], [Buffer.from([0x1f])], [GZIP_HEAD]])('takes a pipe that ends after %j', async (bytes) => {
  const { events } = await read(['-'], { stdin: Readable.from([bytes]) });
  expect(events).toEqual([]);
});

it('keeps bytes of a pipe that are no UTF-8', async () => {
  const odd = fs.readFileSync(new URL('../fixtures/events/odd-bytes.log', import.meta.url));
  const [piped, fromFile] = [await read(['-'], { stdin: chunks(odd, 3) }), await read([file(odd)])];
  expect(piped.events).toEqual(fromFile.events);
  expect(piped.walk.asides).toEqual(fromFile.walk.asides);
});

it('counts what is no event, from file and pipe alike', async () => {
  const torn = `${LINES[0]?.slice(0, 99)}${LINES[1]}\nno JSON\n[1]\n{"a":1}\n\n\0\0${LINES[2]}\r\n{"kind":`;
  const fromFile = await read([file(torn)]);
  const piped = await read(['-'], { stdin: chunks(Buffer.from(torn), 10) });
  for (const { events, walk } of [fromFile, piped]) {
    expect(events).toEqual([LINES[1], LINES[2]]);
    expect(walk.asides).toEqual([
      { reason: 'torn', count: 1, bytes: 99 },
      { reason: 'not-json', count: 2, bytes: 15 },
      { reason: 'not-an-object', count: 1, bytes: 3 },
      { reason: 'no-timestamp', count: 1, bytes: 7 },
    ]);
  }
});

it('passes over lines that are too long, counts them, and goes on behind them', async () => {
  const long = 'x'.repeat(5000);
  const text = `${long}\n${LINES[0]}\n${long}\n${long}\n${LINES[1]}\n${long}`;
  const fromFile = await read([file(text)], { maxLineBytes: 2000 });
  expect(fromFile.events).toEqual([LINES[0], LINES[1]]);
  for (const size of [1, 100, 4999, 5001, 100_000]) {
    const { events, walk } = await read(['-'], { maxLineBytes: 2000, stdin: chunks(Buffer.from(text), size) });
    expect(events).toEqual([LINES[0], LINES[1]]);
    expect(walk.asides).toEqual([expect.objectContaining({ reason: 'too-long', count: 4 })]);
  }
});

it('takes a line of 20 MB, from file and pipe, and one that has no end', { timeout: 20_000 }, async () => {
  const large = `${LINES[0]?.slice(0, -1)},"requestObject":"${'y'.repeat(20_000_000)}"}`;
  const text = Buffer.from(`${LINES[1]}\n${large}\n${LINES[2]}\n${large.slice(0, 1_000_000)}`);
  for (const source of [() => read([file(text)], { maxLineBytes: 2 ** 25 }), pipe]) {
    const { events, walk } = await source();
    expect(events.map(({ length }) => length)).toEqual([LINES[1], large, LINES[2]].map((line) => line?.length));
    expect(walk.asides).toEqual([{ reason: 'not-json', count: 1, bytes: 1_000_000 }]);
  }
  function pipe() {
    return read(['-'], { maxLineBytes: 2 ** 25, stdin: chunks(text, 65_536) });
  }
});

it('reads a compressed file that is cut off as far as it goes, and says so', async () => {
  const whole = gzipSync(EVENTS);
  const { events, walk } = await read([file(whole.subarray(0, whole.length - 100), 'audit.log.gz')]);
  expect(events).toEqual(LINES.slice(0, events.length));
  expect(walk.unreadable).toEqual([expect.stringMatching(/audit\.log\.gz: unexpected end of file/)]);
});

it('says which file is not there before it reads any', async () => {
  const there = file(EVENTS);
  await expect(read([there, `${there}.1`])).rejects.toThrow(/audit\.log\.1 is not there/);
  await expect(read([path.dirname(there)])).rejects.toThrow(/is a directory/);
});

it('finds the backups of a log in their order, a compressed one only where it is not there plain', async () => {
  const folder = temporaryDirectory();
  const names = [
    'audit-2026-11-23T02-00-00.000.log.gz',
    'audit-2026-11-23T01-00-00.000.log',
    'audit-2026-11-23T01-00-00.000.log.gz',
    'audit-2025-11-23T03-00-00.000.log.gz',
    'audit.log',
    'other-2026-11-23T01-00-00.000.log',
  ];
  for (const name of names) fs.writeFileSync(path.join(folder, name), '');
  expect((await withBackups(path.join(folder, 'audit.log'))).map((name) => path.basename(name))).toEqual([
    'audit-2025-11-23T03-00-00.000.log.gz',
    'audit-2026-11-23T01-00-00.000.log',
    'audit-2026-11-23T02-00-00.000.log.gz',
    'audit.log',
  ]);
});
