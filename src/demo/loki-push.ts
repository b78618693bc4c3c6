import { decodeSnappy } from './snappy.ts';

/** One line of a Loki push. Wire format: github.com/grafana/loki/blob/main/pkg/push/push.proto. */
export interface LokiEntry {
  /** As sent: `{job="kube-audit"}`. */
  readonly labels: string;
  readonly timeNs: bigint;
  readonly line: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads a push in snappy-compressed Protocol Buffers. Throws a RangeError on what is none. */
export function decodeLokiPush(body: Buffer): readonly LokiEntry[] {
  const entries: LokiEntry[] = [];
  for (const stream of fields(decodeSnappy(body), 1)) {
    const labels = text(fields(stream, 1));
    for (const entry of fields(stream, 2)) {
      const [time] = fields(entry, 1);
      entries.push({
        labels,
        timeNs: time === undefined ? 0n : varint(time, 1) * 1_000_000_000n + varint(time, 2),
        line: fields(entry, 2).at(-1) ?? Buffer.alloc(0),
        metadata: Object.fromEntries(fields(entry, 3).map((pair) => [text(fields(pair, 1)), text(fields(pair, 2))])),
      });
    }
  }
  return entries;
}

/** Reads a push in JSON, as some proxies and tests send it. */
export function readLokiJson(body: Buffer): readonly LokiEntry[] {
  const push = JSON.parse(body.toString()) as {
    streams: { stream: Record<string, string>; values: [string, string, Record<string, string>?][] }[];
  };
  return push.streams.flatMap(({ stream, values }) => {
    const labels = `{${Object.entries(stream).map(([name, value]) => `${name}=${JSON.stringify(value)}`)}}`;
    return values.map(([time, line, metadata]) => ({
      labels,
      timeNs: BigInt(time),
      line: Buffer.from(line),
      metadata: metadata ?? {},
    }));
  });
}

function text(values: readonly Buffer[]): string {
  return values.at(-1)?.toString() ?? '';
}

/** All length-delimited values of one field, in order. */
function fields(message: Buffer, number: number): readonly Buffer[] {
  const found: Buffer[] = [];
  for (const field of walk(message)) if (field.number === number && field.bytes !== undefined) found.push(field.bytes);
  return found;
}

/** The last varint of one field, 0 where there is none. */
function varint(message: Buffer, number: number): bigint {
  let found = 0n;
  for (const field of walk(message)) if (field.number === number && field.value !== undefined) found = field.value;
  return found;
}

function* walk(message: Buffer): Generator<{ number: number; bytes?: Buffer; value?: bigint }> {
  let at = 0;
  function read(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('protobuf: varint is cut short');
  }
  while (at < message.length) {
    const tag = Number(read());
    const number = tag >> 3;
    if ((tag & 7) === 0) {
      yield { number, value: read() };
    } else if ((tag & 7) === 2) {
      const length = Number(read());
      if (at + length > message.length) throw new RangeError('protobuf: field runs over the end');
      at += length;
      yield { number, bytes: message.subarray(at - length, at) };
    } else {
      throw new RangeError(`protobuf: wire type ${tag & 7} is not expected here`);
    }
  }
}
