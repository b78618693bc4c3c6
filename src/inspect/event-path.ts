import { JsonScanner } from '../event/json.ts';

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

/**
 * The path of the innermost value of a JSON text that holds a range of its bytes: `responseObject.data["a.b"]`,
 * `spec.containers[0]`; the empty string for the whole. Where several members are held together (a member that is cut
 * out takes its comma along), it is that of the first whose value begins in the range.
 */
export function pathOfRange(bytes: Buffer, start: number, end: number, from: number, to: number): string {
  const json = new JsonScanner();
  json.on(bytes, end);
  let path = '';
  let at = json.space(start);
  while (bytes[at] === OPEN_OBJECT || bytes[at] === OPEN_ARRAY) {
    const step = stepInto(bytes, at, json, from, to);
    if (step === null) break;
    path += step.key;
    at = step.value;
    if (step.value >= from) break;
  }
  return path.startsWith('.') ? path.slice(1) : path;
}

interface Step {
  readonly key: string;
  readonly value: number;
}

function stepInto(bytes: Buffer, open: number, json: JsonScanner, from: number, to: number): Step | null {
  const inObject = bytes[open] === OPEN_OBJECT;
  let at = json.space(open + 1);
  for (let index = 0; bytes[at] !== CLOSE_OBJECT && bytes[at] !== CLOSE_ARRAY; index += 1) {
    let key = `[${index}]`;
    if (inObject) {
      const keyEnd = json.string(at + 1);
      key = keyText(JSON.parse(bytes.toString('utf8', at, keyEnd)) as string);
      at = json.space(json.space(keyEnd) + 1);
    }
    const valueEnd = json.value(at);
    if (valueEnd < 0) return null;
    if (valueEnd > from) return at < to ? { key, value: at } : null;
    at = json.space(valueEnd);
    if (bytes[at] !== COMMA) return null;
    at = json.space(at + 1);
  }
  return null;
}

function keyText(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
