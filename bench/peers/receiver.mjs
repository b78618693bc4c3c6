// The receiver of the benchmark, in a process of its own: it counts which lines have come and when, as cheaply as can
// be, whatever the format. Each line carries a mark with its number (trail.mjs); it is searched for in the bytes.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import snappy from 'snappyjs';
import { MARK } from './trail.mjs';

const ITEM = '{"create":{"_index":"audit","status":201}}';
const ABOUT = JSON.stringify({
  name: 'bench',
  version: { number: '8.17.0', build_flavor: 'default' },
  tagline: 'You Know, for Search',
});

let seen = new Uint8Array(0);
let arrivals = null;
/** The letters of the lines that count; all where it is null. */
let counted = null;
/** When the first of them came, ms since the epoch. */
let firstAt = null;
let stats = nothing();

function nothing() {
  return { events: 0, distinct: 0, requests: 0, wireBytes: 0, bytes: 0 };
}

/** Counts the lines in a body, and gives how many they are. */
function count(body) {
  let events = 0;
  const now = arrivals === null ? 0 : Number(process.hrtime.bigint());
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + MARK.length)) {
    events += 1;
    // What a filter may drop or not (a body that holds the words) is not waited for.
    if (counted !== null && !counted.includes(body[at - 1])) continue;
    firstAt ??= performance.timeOrigin + performance.now();
    const from = at + MARK.length;
    const number = Number.parseInt(body.latin1Slice(from, from + 12), 16);
    stats.events += 1;
    if (seen[number] !== 0) continue;
    seen[number] = 1;
    stats.distinct += 1;
    if (arrivals !== null) arrivals[number] = now;
  }
  return events;
}

function decoded(body, { 'content-encoding': encoding, 'content-type': type = '' }) {
  if (encoding === 'gzip') return gunzipSync(body);
  const isLoki = encoding === 'snappy' || (type.startsWith('application/x-protobuf') && encoding === undefined);
  return isLoki ? Buffer.from(snappy.uncompress(body)) : body;
}

function answer(request, response, body) {
  const { url = '/', method, headers } = request;
  response.setHeader('x-elastic-product', 'Elasticsearch');
  if (method !== 'POST' && method !== 'PUT') {
    response.setHeader('content-type', 'application/json');
    return response.end(method === 'HEAD' ? undefined : ABOUT);
  }
  stats.requests += 1;
  stats.wireBytes += body.length;
  const isOtlp = url.startsWith('/v1/logs');
  const bytes = isOtlp && headers['content-encoding'] === undefined ? body : decoded(body, headers);
  stats.bytes += bytes.length;
  const items = count(bytes);
  if (url.includes('_bulk')) {
    response.setHeader('content-type', 'application/json');
    const all = items === 0 ? '' : `${`${ITEM},`.repeat(items - 1)}${ITEM}`;
    return response.end(`{"took":1,"errors":false,"items":[${all}]}`);
  }
  if (url.startsWith('/loki')) response.statusCode = 204;
  if (isOtlp) response.setHeader('content-type', headers['content-type'] ?? 'application/x-protobuf');
  return response.end();
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, response, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', ({ ask, lines = 0, timed = false, kept = null }) => {
  if (ask === 'begin') {
    seen = new Uint8Array(lines);
    arrivals = timed ? new Float64Array(lines) : null;
    counted = kept === null ? null : Buffer.from(kept);
    firstAt = null;
    stats = nothing();
    process.send({ answer: stats });
  } else if (ask === 'stats') process.send({ answer: { ...stats, firstAt } });
  else process.send({ answer: arrivals });
});
process.on('disconnect', () => process.exit());
