import pino from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { AuditailError, messageOf } from '../errors.ts';

const STANDARD_ERROR = 2;

/** Nothing here is meant to log these; if something does, the value stays out. */
const SECRET_KEYS = ['password', 'authorization', 'bearer', 'apiKey', 'token', 'secret'];

/**
 * The agent's own log: JSON lines, by default on standard error, since standard output may carry the trail. Messages are
 * static, data is in fields, and there is no event content in either.
 *
 * Lines are written in the background; `flush` or the end of the process writes what is left. (No transports: their
 * worker threads need files that a bundle does not have.)
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: { paths, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: STANDARD_ERROR, sync: false }),
  );
}

interface ErrorFields {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  readonly cause?: string;
  readonly stack?: string;
}

/** An error of ours is a sentence with a code; the stack of any other one is the only trace of a fault. */
function describeError(error: unknown): ErrorFields {
  if (!(error instanceof AuditailError)) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { message: messageOf(error), ...(stack === undefined ? {} : { stack }) };
  }
  const { code, message, hint, cause } = error;
  const stack = code === 'AUD_INTERNAL' && cause instanceof Error ? cause.stack : undefined;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause: messageOf(cause) }),
    ...(stack === undefined ? {} : { stack }),
  };
}
