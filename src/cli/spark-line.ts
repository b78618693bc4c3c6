const LEVELS = '▁▂▃▄▅▆▇█';

/** Numbers as a row of bars, the largest as high as a line: `▁▂▆█▃`. What is not zero is seen to be not zero. */
export function sparkLine(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(0, ...shown);
  const bars = shown.map((value) => {
    if (value <= 0 || most === 0) return LEVELS[0];
    return LEVELS[Math.min(LEVELS.length - 1, Math.max(1, Math.round((value / most) * (LEVELS.length - 1))))];
  });
  return bars.join('').padStart(width);
}
