/**
 * What reading events costs: `node bench/scan.bench.ts <log file> [megabytes]`, CPU-seconds per GB, best and median of
 * several passes over the same bytes in memory.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { EventView } from '../src/event/event-view.ts';

const [file, megabytes = '200'] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node bench/scan.bench.ts <log file> [megabytes]');

const bytes = read(file, Number(megabytes) * 1e6);
const view = new EventView();
const costs: number[] = [];
for (let pass = 0; pass < 7; pass += 1) costs.push(measure());
costs.sort((a, b) => a - b);
console.log(`scan: best ${costs[0]?.toFixed(2)}, median ${costs[3]?.toFixed(2)} CPU-s/GB`);

function measure(): number {
  const before = process.cpuUsage();
  let start = 0;
  let events = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    if (view.read(bytes, start, end) !== null) throw new Error(`not an event at byte ${start}`);
    events += 1;
    start = end + 1;
  }
  const { user, system } = process.cpuUsage(before);
  if (events === 0) throw new Error('no events');
  return (user + system) / 1e6 / (start / 1e9);
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
