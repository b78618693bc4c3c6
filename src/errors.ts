/**
 * Every error a person can meet has a stable code, a sentence that says what happened and where, and a hint that
 * says what to do. The codes are listed in docs/runbook.md.
 */
export const ERROR_CODES = {
  AUD_CONFIG: 'the configuration is not usable',
  AUD_USAGE: 'the command line is not usable',
  AUD_STATE_LOCKED: 'another agent uses the state directory',
  AUD_STATE_UNWRITABLE: 'the state directory cannot be written',
  AUD_STATE_DAMAGED: 'a file in the state directory is damaged',
  AUD_STATE_VERSION: 'a file in the state directory was written by a newer auditail',
  AUD_STATE_MISMATCH: 'the checkpoint belongs to another destination or source',
  AUD_LOG_UNREADABLE: 'the log cannot be read',
  AUD_SECRET: 'a secret could not be read',
  AUD_LISTEN: 'the telemetry address cannot be listened on',
  AUD_INTERNAL: 'a fault of the program itself',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetail {
  /** What to do about it, as an imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class AuditailError extends Error {
  override readonly name = 'AuditailError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.hint = detail.hint;
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC` …), or the empty string. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown, as an error of ours: anything else is a fault of the program. */
export function asAuditailError(error: unknown): AuditailError {
  if (error instanceof AuditailError) return error;
  return new AuditailError('AUD_INTERNAL', messageOf(error), {
    cause: error,
    hint: 'this is a fault of auditail: please report it with the log',
  });
}
