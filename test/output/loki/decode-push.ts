import snappyjs from 'snappyjs';

/** An independent reader of the Protocol Buffers wire format: `[field number, value]`, in order. */
function fields(bytes: Buffer): [number, bigint | Buffer][] {
  const found: [number, bigint | Buffer][] = [];
  let at = 0;
  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  while (at < bytes.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) found.push([key >> 3, varint()]);
    else if (kind === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error('a field reaches beyond the end');
      found.push([key >> 3, bytes.subarray(at, at + length)]);
      at += length;
    } else throw new Error(`wire type ${kind}`);
  }
  return found;
}

export interface DecodedEntry {
  readonly timeNs: bigint;
  readonly line: Buffer;
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

export interface DecodedStream {
  readonly labels: string;
  readonly entries: readonly DecodedEntry[];
}

/** Reads the body of a push: snappy block format, PushRequest. Throws on anything that is not in the format. */
export function decodePush(body: Buffer): DecodedStream[] {
  return fields(snappyjs.uncompress(body)).map(([number, stream]) => {
    if (number !== 1) throw new Error(`field ${number} in PushRequest`);
    const content = fields(stream as Buffer);
    const labels = content.filter(([field]) => field === 1);
    if (labels.length !== 1 || content.some(([field]) => field !== 1 && field !== 2)) throw new Error('StreamAdapter');
    return {
      labels: String(labels[0]?.[1]),
      entries: content.filter(([field]) => field === 2).map(([, entry]) => decodeEntry(entry as Buffer)),
    };
  });
}

function decodeEntry(bytes: Buffer): DecodedEntry {
  const content = fields(bytes);
  const [time] = content.filter(([field]) => field === 1).map(([, value]) => fields(value as Buffer));
  const [line] = content.filter(([field]) => field === 2).map(([, value]) => value as Buffer);
  if (time === undefined || line === undefined) throw new Error('EntryAdapter without time or line');
  const part = (wanted: number) =>
    time.filter(([field]) => field === wanted).map(([, value]) => value as bigint)[0] ?? 0n;
  return {
    timeNs: part(1) * 1_000_000_000n + part(2),
    line,
    metadata: content
      .filter(([field]) => field === 3)
      .map(([, pair]) => {
        const [name, value] = fields(pair as Buffer);
        if (name?.[0] !== 1 || value?.[0] !== 2) throw new Error('LabelPairAdapter');
        return [String(name[1]), String(value[1])] as const;
      }),
  };
}
