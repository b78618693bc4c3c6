import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the start scripts of the servers put what they have built. */
const CACHE = process.env['SERVERS_CACHE'] ?? '/var/tmp/auditail-servers';
const PROGRAM = join(CACHE, 'kube-loadgen');

export interface LoadOptions {
  readonly url: string;
  readonly seconds: number;
  /** Operations a second over all workers; 0 for as many as go. */
  readonly perSecond: number;
  /** `mixed` has bursts of lines as large as a file of the log, `meta` has not. */
  readonly mix: 'mixed' | 'meta';
}

/** Varied traffic at an API server: pods, deployments, leases, watches, denied and broken requests, large objects. */
export class Load {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  /** The start of an API server has built the program. */
  constructor({ url, seconds, perSecond, mix }: LoadOptions) {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there`);
    const args = ['-addr', url, '-dur', `${seconds}s`, '-workers', '8', '-mix', mix, '-qps', `${perSecond}`];
    this.#child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', () => resolve(said));
    });
  }

  /** Waits for its end; what it says of its requests. */
  async ended(): Promise<string> {
    return this.#ended;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
