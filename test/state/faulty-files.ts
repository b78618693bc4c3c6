import type { StateFiles } from '../../src/state/files.ts';

/** What happens at one call: it is let through, or something else is done in its place. */
export type Fault = (name: keyof StateFiles, call: number) => 'pass' | 'fail' | 'half';

/**
 * A file system in which some calls go wrong. `fail` throws before anything happens; `half` writes half of the bytes
 * first, and is the same as `fail` for what writes nothing.
 */
export function faultyFiles(real: StateFiles, fault: Fault, makeError: () => Error): StateFiles {
  let calls = 0;
  const wrapped: Record<string, unknown> = {};
  for (const name of Object.keys(real) as (keyof StateFiles)[]) {
    const original = real[name] as (...parameters: unknown[]) => unknown;
    const now = name.endsWith('Now');
    wrapped[name] = (...parameters: unknown[]): unknown => {
      calls += 1;
      const verdict = fault(name, calls);
      if (verdict === 'pass') return original(...parameters);
      const halved = verdict === 'half' ? halfWrite(name, original, parameters) : undefined;
      if (now) throw makeError();
      return Promise.resolve(halved).then(() => {
        throw makeError();
      });
    };
  }
  return wrapped as unknown as StateFiles;
}

function halfWrite(name: string, original: (...parameters: unknown[]) => unknown, parameters: unknown[]): unknown {
  const [fd, buffer] = parameters;
  if ((name !== 'write' && name !== 'writeNow') || !Buffer.isBuffer(buffer)) return undefined;
  return original(fd, buffer.subarray(0, Math.floor(buffer.length / 2)));
}

/** What the system says when a disk is full or broken. */
export function systemError(code: 'ENOSPC' | 'EIO'): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}
