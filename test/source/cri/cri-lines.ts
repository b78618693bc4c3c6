/** Lines as a container runtime frames them: cut into parts of so many bytes, perhaps with a line of stderr before each. */
export function framed(
  lines: readonly (string | Buffer)[],
  { size = 16 * 1024, stderr = (_part: number): boolean => false } = {},
): Buffer {
  const parts: Buffer[] = [];
  for (const line of lines) {
    const bytes = Buffer.from(line);
    for (let at = 0; at === 0 || at < bytes.length; at += size) {
      const time = new Date(1_795_000_000_000 + parts.length).toISOString().replace('Z', '123456Z');
      if (stderr(parts.length)) parts.push(Buffer.from(`${time} stderr F I1123 04:45:26 something\n`));
      parts.push(Buffer.from(`${time} stdout ${at + size < bytes.length ? 'P' : 'F'} `));
      parts.push(bytes.subarray(at, at + size), Buffer.from('\n'));
    }
  }
  return Buffer.concat(parts);
}
