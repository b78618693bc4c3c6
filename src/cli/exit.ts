/** What a command ends with. Documented for scripts: they do not change. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** Something failed; standard error says what. */
  failed: 1,
  /** The command line or the configuration is not usable; nothing was started. */
  usage: 2,
  /** It ran, but a part of the trail was lost; the ledger says which. */
  lost: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
