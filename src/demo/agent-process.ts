import { type ChildProcess, spawn } from 'node:child_process';
import { isSea } from 'node:sea';

export interface Exit {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface AgentCommand {
  /** The executable and the arguments in front of the command; this very program where not set. */
  readonly program?: readonly string[];
  /** Such as `['run', '--config', file]`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Descriptor that becomes its standard input; nothing where not set. */
  readonly stdin?: number;
}

/** How much of what it says is kept. */
const LOG_KEPT_CHARACTERS = 2 ** 20;

/** The agent as a process of its own: what a kill -9 can be tried on. */
export class AgentProcess {
  readonly pid: number;
  /** Settles when it is gone, with code 127 where it could not be started. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #log = '';
  #exit: Exit | undefined;

  constructor({ program = ownProgram(), args, env = {}, stdin }: AgentCommand) {
    const [executable = process.execPath, ...first] = program;
    this.#child = spawn(executable, [...first, ...args], {
      stdio: [stdin ?? 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-LOG_KEPT_CHARACTERS);
      });
    }
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      this.#child.once('error', (error) => {
        this.#log += `${executable}: ${error.message}\n`;
        end({ code: 127, signal: null });
      });
      this.#child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  /** What it has written to stdout and stderr, the end of it if it was much. */
  get log(): string {
    return this.#log;
  }

  /** How it ended; `undefined` while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<Exit> {
    this.send('SIGKILL');
    return this.exited;
  }

  /** Asks it to stop, and after `graceMs` makes it. */
  async stop(graceMs = 30_000): Promise<Exit> {
    this.send('SIGTERM');
    const timer = setTimeout(() => this.send('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The command line that started this program, without its arguments. */
function ownProgram(): readonly string[] {
  const script = process.argv[1];
  return isSea() || script === undefined ? [process.execPath] : [process.execPath, script];
}
