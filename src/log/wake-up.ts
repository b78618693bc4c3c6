import { watch, type FSWatcher } from 'chokidar';

/** Wakes from idle when something happens in a directory; the time-out is the safety net. */
export interface WakeUp {
  /** True where something happened. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
  disarm(): void;
}

/**
 * Wakes from idle when something happens in the log's directory. It watches the directory, since a watched file is lost
 * at its rotation, and hears of the live file only: ten thousand backups are not ten thousand watches. It is armed only
 * while the log is idle: a wake-up per write would cost more than it saves.
 */
export class DirectoryWakeUp implements WakeUp {
  readonly #directory: string;
  readonly #live: string;
  readonly #failed: (error: unknown) => void;
  #watcher: FSWatcher | null = null;
  #happened = false;
  #wake: () => void = () => undefined;

  /** `failed` is told once per arming when watching is not possible; the slow poll goes on without it. */
  constructor(directory: string, livePath: string, failed: (error: unknown) => void) {
    this.#directory = directory;
    this.#live = livePath;
    this.#failed = failed;
  }

  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    this.#arm();
    if (!this.#happened) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
    }
    const happened = this.#happened;
    this.#happened = false;
    return happened;
  }

  disarm(): void {
    const watcher = this.#watcher;
    this.#watcher = null;
    this.#happened = false;
    watcher?.close().then(undefined, this.#failed);
  }

  #arm(): void {
    if (this.#watcher !== null) return;
    this.#watcher = watch(this.#directory, {
      depth: 0,
      ignoreInitial: true,
      persistent: true,
      ignored: (path) => path !== this.#directory && path !== this.#live,
    });
    const happened = () => {
      this.#happened = true;
      this.#wake();
    };
    this.#watcher.on('all', happened);
    // What changed between the last look and the arming makes no event any more.
    this.#watcher.on('ready', happened);
    this.#watcher.on('error', this.#failed);
  }
}
