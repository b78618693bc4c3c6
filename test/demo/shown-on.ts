import type { PassThrough } from 'node:stream';

/** All that was written to a screen. From Node.js 26 on, a read gives no more than one write. */
export function shownOn(screen: PassThrough): string {
  const chunks: Buffer[] = [];
  for (let chunk: unknown = screen.read(); chunk !== null; chunk = screen.read()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
