import { Readable } from 'node:stream';
import type { Context } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** A terminal that remembers what was printed, without colours. */
export class FakeTerminal implements Terminal {
  out = '';
  error = '';
  readonly isLive: boolean = false;
  readonly columns = 100;
  readonly rows = 30;

  print(text: string): void {
    this.out += `${text}\n`;
  }

  complain(text: string): void {
    this.error += `${text}\n`;
  }

  async write(bytes: Buffer): Promise<void> {
    this.out += bytes.toString('latin1');
  }

  draw(text: string): void {
    this.error += text;
  }

  style(_style: unknown, text: string): string {
    return text;
  }
}

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command line inside this process. */
export async function auditail(
  args: readonly string[],
  environment: Context['environment'] = {},
  input: readonly Buffer[] = [],
): Promise<Ran> {
  const terminal = new FakeTerminal();
  const context = { terminal, environment, version: '1.2.3', input: () => Readable.from(input) };
  const exit = await runProgram(args, context);
  return { exit, out: terminal.out, error: terminal.error };
}
