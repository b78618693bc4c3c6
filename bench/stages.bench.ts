/**
 * What each stage of the way costs: `node bench/stages.bench.ts <log file> [megabytes] [passes] [--check]`, CPU-seconds
 * per GB of log, the least and the median of the passes, over the same bytes in memory. Each stage has a budget, about
 * half above what it took on a quiet machine of 2026; those whose least is over it are named at the end, and with
 * `--check` the exit code is 1 then. All stages take their turns in each pass, so that a slow moment hits all.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { configSchema } from '../src/config/schema.ts';
import { EventView } from '../src/event/event-view.ts';
import { salvage } from '../src/event/salvage.ts';
import { newSpans, scanEvent } from '../src/event/scan.ts';
import { scanUsual } from '../src/event/scan-kernel.ts';
import { JsonScanner } from '../src/event/json.ts';
import { prepareFilter } from '../src/filter/create-filter.ts';
import { openOutput } from '../src/inspect/open-output.ts';
import { contentId } from '../src/output/elasticsearch/content-id.ts';
import { gzip } from '../src/output/gzip.ts';
import { compress } from '../src/output/loki/snappy.ts';
import { Cutter } from '../src/pipeline/cutter.ts';

const CHUNK = 1024 * 1024;
const NEWLINE = 10;

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
const [file, megabytes = '64', passes = '7'] = positionals;
if (file === undefined) throw new Error('usage: node bench/stages.bench.ts <log file> [megabytes] [passes] [--check]');
const log = file;
const bytes = wholeLines(read(log, Number(megabytes) * 1e6));
const into = Buffer.allocUnsafeSlow(CHUNK);
const spans = newSpans();
const scanner = new JsonScanner();

interface Stage {
  readonly name: string;
  /** CPU-seconds per GB; null where it stands there to be compared with only. */
  readonly budget: number | null;
  readonly run: () => unknown;
}

const STAGES: readonly Stage[] = [
  { name: 'read the file, 1 MiB at a time', budget: 0.3, run: () => readAll(log, bytes.length) },
  { name: 'copy the bytes once', budget: 0.12, run: () => chunks((from, to) => bytes.copy(into, 0, from, to)) },
  { name: 'find the ends of lines', budget: 0.12, run: () => lines(() => 0) },
  { name: 'scan: the kernel', budget: 1.2, run: () => lines((from, to) => scanUsual(bytes, from, to, spans)) },
  {
    name: 'scan: the plain scanner',
    budget: null,
    run: () => lines((from, to) => scanEvent(bytes, from, to, spans, scanner)),
  },
  {
    name: 'scan: JSON.parse',
    budget: null,
    run: () => lines((from, to) => JSON.parse(bytes.toString('utf8', from, to))),
  },
  {
    name: 'content id: SHA-256',
    budget: 1.3,
    run: () => lines((from, to) => contentId({ bytes, start: from, end: to })),
  },
  {
    name: 'scan, cut and encode: elasticsearch, ids',
    budget: 3.1,
    run: cutting({ type: 'elasticsearch', index: 'audit' }),
  },
  { name: 'scan, cut and encode: http ndjson', budget: 1.8, run: cutting({ type: 'http', format: 'ndjson' }) },
  { name: 'scan, cut and encode: loki', budget: 2.7, run: cutting({ type: 'loki', maxLineBytes: '2Mi' }) },
  {
    name: 'scan, cut and encode: http, redaction on',
    budget: 2.8,
    run: cutting({ type: 'http', format: 'ndjson' }, true),
  },
  { name: 'snappy: the kernel', budget: 1.8, run: () => chunks((from, to) => compress([bytes.subarray(from, to)])) },
  { name: 'gzip: the kernel', budget: 3.7, run: () => chunks((from, to) => gzip(bytes.subarray(from, to))) },
  {
    name: 'gzip: zlib, level 1',
    budget: null,
    run: () => chunks((from, to) => gzipSync(bytes.subarray(from, to), { level: 1 })),
  },
];

const costs = STAGES.map((): number[] => []);
for (let pass = 0; pass < Number(passes); pass += 1) {
  for (const [at, { run }] of STAGES.entries()) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    costs[at]?.push((user + system) / 1e6 / (bytes.length / 1e9));
  }
}
console.log(`${(bytes.length / 1e6).toFixed(0)} MB, ${passes} passes\n`);
const exceeded: string[] = [];
console.log('| stage | least | median | budget |\n| --- | --- | --- | --- |');
for (const [at, { name, budget }] of STAGES.entries()) {
  const sorted = (costs[at] as number[]).toSorted((a, b) => a - b);
  const least = sorted[0] as number;
  const over = budget !== null && least > budget;
  if (over) exceeded.push(`${name}, by ${((least / budget - 1) * 100).toFixed(0)} %`);
  const median = sorted[sorted.length >> 1] as number;
  console.log(`| ${name} | ${least.toFixed(2)} | ${median.toFixed(2)} | ${budget ?? '–'}${over ? ' **over**' : ''} |`);
}

console.log(exceeded.length === 0 ? '\nEvery stage is within its budget.' : `\nOver budget: ${exceeded.join('; ')}.`);
if (values.check === true && exceeded.length > 0) process.exitCode = 1;

/** Cuts all into batches, as a pipeline does, and throws them away. */
function cutting(settings: object, redacts = false): () => void {
  const { outputs } = configSchema.parse({
    sources: [{ name: 'kube', type: 'file', path: '/var/log/audit.log' }],
    outputs: [{ name: 'out', url: 'http://127.0.0.1:9', filter: { redact: { enabled: redacts } }, ...settings }],
  });
  const [config] = outputs;
  if (config === undefined) throw new Error('no output');
  const cutter = new Cutter({
    source: 'kube',
    event: new EventView(),
    filter: prepareFilter(config.filter).create(),
    output: openOutput(config, {}, { userAgent: 'bench', logger: pino({ level: 'silent' }) }),
    salvage,
    limits: config.batch,
  });
  return () => {
    for (let at = 0; at < bytes.length; ) {
      if (!cutter.open) cutter.begin(at);
      at = cutter.cut(bytes, at, bytes.length, at);
      if (cutter.open) cutter.recycle(cutter.seal('segment'));
    }
  };
}

function lines(act: (from: number, to: number) => unknown): void {
  for (let from = 0, to = bytes.indexOf(NEWLINE); to !== -1; from = to + 1, to = bytes.indexOf(NEWLINE, from))
    act(from, to);
}

function chunks(act: (from: number, to: number) => unknown): void {
  for (let from = 0; from < bytes.length; from += CHUNK) act(from, Math.min(from + CHUNK, bytes.length));
}

function readAll(path: string, length: number): void {
  const descriptor = openSync(path, 'r');
  for (let at = 0; at < length; ) at += readSync(descriptor, into, 0, CHUNK, at);
  closeSync(descriptor);
}

function read(path: string, limit: number): Buffer {
  const all = Buffer.allocUnsafeSlow(limit);
  const descriptor = openSync(path, 'r');
  let length = 0;
  for (let got = -1; got !== 0 && length < limit; length += got)
    got = readSync(descriptor, all, length, limit - length, null);
  closeSync(descriptor);
  return all.subarray(0, length);
}

function wholeLines(all: Buffer): Buffer {
  return all.subarray(0, all.lastIndexOf(NEWLINE) + 1);
}
