/** A stream of numbers below a bound that a seed determines (mulberry32). */
export type Choose = (bound: number) => number;

export function choices(seed: number): Choose {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** One of the many ways to write a value as JSON: with white space, escapes that are not needed, exponents. */
export function write(value: unknown, choose: Choose): string {
  const space = choose(4) === 0 ? ([' ', '\t', '\r\n', '  '][choose(4)] as string) : '';
  return `${space}${writeBare(value, choose)}${space}`;
}

function writeBare(value: unknown, choose: Choose): string {
  if (typeof value === 'string') return writeString(value, choose);
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, choose)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const there = Object.entries(value).filter(([, child]) => child !== undefined);
    const members = there.map(([key, child]) => `${write(key, choose)}:${write(child, choose)}`);
    return `{${members.join(',')}}`;
  }
  const plain = JSON.stringify(value);
  if (typeof value !== 'number' || choose(3) > 0) return plain;
  const exponent = value.toExponential();
  return choose(2) === 0 ? exponent : exponent.replace('e', 'E');
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '/': '\\/', '"': '\\"', '\\': '\\\\' };

function writeString(text: string, choose: Choose): string {
  const escaping = choose(2) === 0;
  const characters = Array.from(text, (character) => {
    if (escaping && choose(4) === 0) return SHORT[character] ?? escaped(character, choose);
    return JSON.stringify(character).slice(1, -1);
  });
  return `"${characters.join('')}"`;
}

function escaped(character: string, choose: Choose): string {
  const units = Array.from({ length: character.length }, (_, at) =>
    character.charCodeAt(at).toString(16).padStart(4, '0'),
  );
  return units.map((hex) => `\\u${choose(2) === 0 ? hex : hex.toUpperCase()}`).join('');
}
