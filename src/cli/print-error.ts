import { AuditailError, messageOf } from '../errors.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printableLines } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** Prints an error as a sentence with its code and what to do about it, and says with what to end. */
export function printError(terminal: Terminal, error: unknown): ExitCode {
  if (!(error instanceof AuditailError)) {
    const stack = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
    terminal.complain(`${mark(terminal)} AUD_INTERNAL: ${printableLines(stack)}`);
    terminal.complain('hint: this is a fault of auditail itself; please report it with these lines');
    return EXIT.failed;
  }
  const { code, message, hint, cause } = error;
  terminal.complain(`${mark(terminal)} ${code}: ${printableLines(message)}`);
  if (code === 'AUD_INTERNAL' && cause instanceof Error) terminal.complain(printableLines(cause.stack ?? ''));
  if (hint !== undefined) terminal.complain(`hint: ${printableLines(hint)}`);
  return code === 'AUD_CONFIG' || code === 'AUD_USAGE' ? EXIT.usage : EXIT.failed;
}

function mark(terminal: Terminal): string {
  return terminal.style('red', 'error', 'error');
}
