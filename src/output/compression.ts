import { gzip } from 'node:zlib';

/**
 * Level 1: at this level an audit log shrinks to a seventh, and higher ones cost two to four times the CPU. Large chunks so that
 * 1 MiB costs one or two allocations.
 */
const OPTIONS = { level: 1, memLevel: 9, chunkSize: 256 * 1024 } as const;

/** The gzip of a body, made on a thread of libuv's pool. */
export function compress(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, OPTIONS, (error, compressed) => (error === null ? resolve(compressed) : reject(error)));
  });
}
