import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { AuditailError, systemCode } from '../errors.ts';
import type { Fence } from './fence.ts';
import { askHolder, HOLDER_PATH, probeSocket } from './holder.ts';
import type { Holder } from './holder.ts';
import { openSocketDirectory } from './socket-path.ts';
import type { SocketDirectory } from './socket-path.ts';
import { unwritable } from './unwritable.ts';

/** The control socket of the running agent, in the state directory. */
export const AGENT_SOCKET = 'agent.sock';

const LOCK_FOLDER = 'lock';
const OWNER = /^owner\.(\d+)$/;
const MAX_ATTEMPTS = 100;

/** Ownership of a state directory, held until `release` or the end of the process, kill -9 included. */
export interface StateLock extends Fence {
  /** Answers the requests on `<state directory>/agent.sock`; until it is called they get 503. */
  serve(listener: http.RequestListener): void;
  release(): Promise<void>;
}

/**
 * Takes the state directory for this process, or throws AUD_STATE_LOCKED with the name of who has it.
 *
 * Process ids mean nothing across containers, and Node.js has no flock. But a Unix socket *file* is found by its inode
 * from every namespace that sees the file, and the kernel answers for the listener: connected while it lives, refused
 * once it is gone. So ownership is a listening socket under the name `lock/owner.<generation>`:
 *
 * 1. Listen on a socket under a name of one's own.
 * 2. Look at the highest `owner.N`. If somebody listens there, the directory is taken.
 * 3. Otherwise link(2) one's socket to `owner.<N+1>`: of all who try, one succeeds. Numbers are never used twice, since
 *    the highest is never removed, not even by its owner at the end; so a slow starter cannot remove a live lock.
 * 4. Look again. Is there a higher number by now, step back and start over.
 */
export async function lockState(directory: string): Promise<StateLock> {
  const folder = path.join(directory, LOCK_FOLDER);
  let sockets: SocketDirectory | undefined;
  let server: http.Server | undefined;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    sockets = openSocketDirectory(folder, `candidate-${'0'.repeat(16)}`);
    const lock = new SocketLock(directory, folder, sockets);
    server = lock.server;
    await lock.acquire();
    return lock;
  } catch (error) {
    server?.close();
    sockets?.close();
    throw unwritable(folder, error);
  }
}

class SocketLock implements StateLock {
  readonly server: http.Server;
  readonly #directory: string;
  readonly #folder: string;
  readonly #sockets: SocketDirectory;
  readonly #startedAt = new Date().toISOString();
  #generation = 0;
  #inode = 0n;
  #listener: http.RequestListener = refuse;

  constructor(directory: string, folder: string, sockets: SocketDirectory) {
    this.#directory = directory;
    this.#folder = folder;
    this.#sockets = sockets;
    this.server = http.createServer((request, response) => {
      if (request.url === HOLDER_PATH) response.setHeader('content-type', 'application/json').end(this.#holder());
      else this.#listener(request, response);
    });
    // The lock alone is no reason for the process to go on.
    this.server.unref();
  }

  get generation(): number {
    return this.#generation;
  }

  async acquire(): Promise<void> {
    let candidate = await this.#listen();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const highest = this.#owners().at(-1) ?? 0;
      if (highest > 0) {
        const owner = path.join(this.#sockets.path, `owner.${highest}`);
        const state = await probeSocket(owner);
        if (state === 'alive') throw await this.#locked(owner);
        if (state === 'gone') continue;
      }
      const linked = this.#link(candidate, highest + 1);
      if (linked === 'swept') {
        // An owner cleaned up behind us; the listener has no name any more.
        await new Promise((resolve) => this.server.close(resolve));
        candidate = await this.#listen();
      }
      if (linked !== 'linked') continue;
      if (this.#owners().some((other) => other > highest + 1)) {
        fs.rmSync(this.#owner(highest + 1), { force: true });
        continue;
      }
      this.#generation = highest + 1;
      this.#inode = fs.statSync(this.#owner(this.#generation), { bigint: true }).ino;
      fs.chmodSync(this.#owner(this.#generation), 0o600);
      fs.rmSync(path.join(this.#folder, candidate), { force: true });
      this.#publish();
      this.#sweep();
      return;
    }
    throw new AuditailError('AUD_STATE_LOCKED', `the lock of ${this.#directory} cannot be had: others keep taking it`, {
      hint: 'See to it that one agent only is started with this state directory.',
    });
  }

  check(): void {
    const own = fs.statSync(this.#owner(this.#generation), { bigint: true, throwIfNoEntry: false });
    const next = fs.statSync(this.#owner(this.#generation + 1), { throwIfNoEntry: false });
    if (own?.ino === this.#inode && next === undefined) return;
    throw new AuditailError(
      'AUD_STATE_LOCKED',
      `the state directory ${this.#directory} belongs to another agent by now; this one (generation ${this.#generation}) was superseded`,
      { hint: 'Leave one agent running per state directory; this one has to stop, and has stored nothing since.' },
    );
  }

  serve(listener: http.RequestListener): void {
    this.#listener = listener;
  }

  async release(): Promise<void> {
    // While we still listen nobody else can publish a socket of theirs under this name.
    const socket = path.join(this.#directory, AGENT_SOCKET);
    const published = fs.statSync(socket, { bigint: true, throwIfNoEntry: false });
    if (published?.ino === this.#inode) fs.unlinkSync(socket);
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
    this.#sockets.close();
  }

  /** Listens under a name that nobody else has, and gives back that name. */
  async #listen(): Promise<string> {
    const name = `candidate-${randomBytes(8).toString('hex')}`;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(path.join(this.#sockets.path, name), () => {
        this.server.removeListener('error', reject);
        resolve();
      });
    });
    return name;
  }

  #link(candidate: string, generation: number): 'linked' | 'taken' | 'swept' {
    try {
      fs.linkSync(path.join(this.#folder, candidate), this.#owner(generation));
      return 'linked';
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EEXIST') return 'taken';
      if (code === 'ENOENT') return 'swept';
      throw error;
    }
  }

  /** Puts our socket under its public name, in place of the last owner's. */
  #publish(): void {
    const unpublished = path.join(this.#directory, `${AGENT_SOCKET}.${this.#generation}`);
    fs.rmSync(unpublished, { force: true });
    fs.linkSync(this.#owner(this.#generation), unpublished);
    fs.renameSync(unpublished, path.join(this.#directory, AGENT_SOCKET));
  }

  /** Removes what crashed owners and starters left; the predecessor stays, for starters that are looking just now. */
  #sweep(): void {
    for (const name of fs.readdirSync(this.#folder)) {
      const number = Number(OWNER.exec(name)?.[1] ?? Number.NaN);
      if (number < this.#generation - 1 || name.startsWith('candidate-')) {
        fs.rmSync(path.join(this.#folder, name), { force: true });
      }
    }
  }

  /** Numbers of the owners there are traces of, ascending. One getdents(2), so the view is of one instant. */
  #owners(): readonly number[] {
    return fs
      .readdirSync(this.#folder)
      .flatMap((name) => OWNER.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  #owner(generation: number): string {
    return path.join(this.#folder, `owner.${generation}`);
  }

  #holder(): string {
    const holder: Holder = {
      pid: process.pid,
      hostname: os.hostname(),
      startedAt: this.#startedAt,
      generation: this.#generation,
    };
    return JSON.stringify(holder);
  }

  async #locked(owner: string): Promise<AuditailError> {
    const holder = await askHolder(owner);
    const who =
      typeof holder === 'string'
        ? `which doesn't say who it is (${holder})`
        : `process ${holder.pid} (as counted in its own container) on host ${holder.hostname}, started ${holder.startedAt}`;
    return new AuditailError(
      'AUD_STATE_LOCKED',
      `the state directory ${this.#directory} is used by another agent: ${who}`,
      {
        hint: 'Stop that agent first, or give this one a directory of its own with --state-dir. An agent that crashed leaves no lock behind: there is no file to remove.',
      },
    );
  }
}

function refuse(_request: http.IncomingMessage, response: http.ServerResponse): void {
  response.statusCode = 503;
  response.end('the agent is starting\n');
}
