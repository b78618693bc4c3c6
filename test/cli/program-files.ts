import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs a program to its end. */
export function ended(program: readonly string[], args: readonly string[], timeoutMs = 120_000): Promise<Ended> {
  const [file = '', ...first] = program;
  return new Promise((resolve) => {
    execFile(file, [...first, ...args], { timeout: timeoutMs, maxBuffer: 2 ** 26 }, (failure, out, error) => {
      const code = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : null;
      resolve({ code, out, error });
    });
  });
}

/** Starts a program, and waits until it says something. */
export async function started(
  program: readonly string[],
  args: readonly string[],
  word: string,
): Promise<ChildProcess> {
  const [file = '', ...first] = program;
  const child = spawn(file, [...first, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const [text] of stderrOf(child)) {
    said += text;
    if (said.includes(word)) return child;
  }
  throw new Error(`it ended before it said ${word}: ${said}`);
}

async function* stderrOf(child: ChildProcess): AsyncGenerator<readonly [string]> {
  child.stderr?.setEncoding('utf8');
  const gone = once(child, 'close').then(() => null);
  for (;;) {
    const data = await Promise.race([once(child.stderr as NodeJS.ReadableStream, 'data'), gone]);
    if (data === null) return;
    yield [String(data[0])];
  }
}
