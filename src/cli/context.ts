import type { Readable } from 'node:stream';
import type { ExitCode } from './exit.ts';
import type { FirstPins } from './first-pins.ts';
import type { Terminal } from './terminal.ts';

/** What a command may use of the world around it. */
export interface Context {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Pins that were made before anything else was done. */
  readonly firstPins?: FirstPins;
  /** Standard input, where it is not the process's own. */
  readonly input?: () => Readable;
}

/** Takes with what a command ended. */
export type Done = (code: ExitCode) => void;
