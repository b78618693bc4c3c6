const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.2 MiB`: for people; about, not exactly. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${BYTES[unit]}`;
}

/** `12s`, `3m 20s`, `5h 10m`, `2d 4h`: the two largest units. */
export function humanSeconds(seconds: number): string {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

/** `1,234,567`. */
export function humanCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 record`, `2 records`. */
export function plural(count: number, word: string): string {
  return `${humanCount(count)} ${word}${count === 1 ? '' : 's'}`;
}
