import snappy from 'snappyjs';
import { expect, test } from 'vitest';
import { decodeLokiPush, readLokiJson } from '../../src/demo/loki-push.ts';

/** A length-delimited field. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.of((number << 3) | 2, ...size), bytes]);
}

function push(...streams: Buffer[]): Buffer {
  return Buffer.from(snappy.compress(Buffer.concat(streams.map((stream) => field(1, stream)))));
}

// 1763864192 seconds and 5 nanoseconds, as varints
const TIME = Buffer.from([0x08, 0x80, 0xdd, 0x89, 0xc9, 0x06, 0x10, 0x05]);

test('labels, times, lines and structured metadata of a push are read', () => {
  const pair = Buffer.concat([field(1, 'verb'), field(2, 'get')]);
  const entry = Buffer.concat([field(1, TIME), field(2, 'x'.repeat(200)), field(3, pair)]);
  const entries = decodeLokiPush(
    push(Buffer.concat([field(1, '{job="a"}'), field(2, entry), field(2, field(2, 'y'))])),
  );
  expect(entries.map((one) => ({ ...one, line: one.line.toString() }))).toEqual([
    { labels: '{job="a"}', timeNs: 1763864192000000005n, line: 'x'.repeat(200), metadata: { verb: 'get' } },
    { labels: '{job="a"}', timeNs: 0n, line: 'y', metadata: {} },
  ]);
});

test('a line of invalid UTF-8 keeps its bytes', () => {
  const line = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
  expect(decodeLokiPush(push(field(2, field(2, line))))[0]?.line).toEqual(line);
});

test('a push that is cut short is refused', () => {
  const whole = Buffer.concat([field(1, '{job="a"}'), field(2, field(2, 'line'))]);
  expect(() => decodeLokiPush(push(whole.subarray(0, -2)))).toThrow(RangeError);
  expect(() => decodeLokiPush(Buffer.from(snappy.compress(Buffer.from([0x0b]))))).toThrow(RangeError);
  expect(() => decodeLokiPush(Buffer.from(snappy.compress(Buffer.from([0x80]))))).toThrow(RangeError);
});

test('a push in JSON is read', () => {
  const body = {
    streams: [
      {
        stream: { job: 'a' },
        values: [
          ['7', '{"a":1}'],
          ['8', 'b', { verb: 'get' }],
        ],
      },
    ],
  };
  expect(readLokiJson(Buffer.from(JSON.stringify(body)))).toEqual([
    { labels: '{job="a"}', timeNs: 7n, line: Buffer.from('{"a":1}'), metadata: {} },
    { labels: '{job="a"}', timeNs: 8n, line: Buffer.from('b'), metadata: { verb: 'get' } },
  ]);
});
