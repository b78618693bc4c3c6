import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditailError } from '../../src/errors.ts';
import { AGENT_SOCKET, lockState } from '../../src/state/lock.ts';
import type { StateLock } from '../../src/state/lock.ts';

const CHILD = path.join(import.meta.dirname, 'lock-child.ts');

let directory: string;
let locks: StateLock[];
let children: ChildProcess[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'auditail-lock-'));
  locks = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(locks.map((lock) => lock.release()));
  fs.rmSync(directory, { recursive: true, force: true });
});

async function take(at = directory): Promise<StateLock> {
  const lock = await lockState(at);
  locks.push(lock);
  return lock;
}

/** Starts another process that tries to take the directory; resolves with what it says. */
function start(command: readonly string[] = []): Promise<{ child: ChildProcess; said: string }> {
  const [program = process.execPath, ...rest] = [...command, process.execPath, CHILD, directory];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.endsWith('\n')) resolve({ child, said: said.trim() });
    });
    child.on('close', () => resolve({ child, said: said.trim() }));
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function refusal(promise: Promise<unknown>): Promise<AuditailError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AuditailError);
  return error as AuditailError;
}

describe('one agent per state directory', () => {
  test('a second agent is refused and told who has the directory', async () => {
    await take();
    const error = await refusal(lockState(directory));
    expect(error.code).toBe('AUD_STATE_LOCKED');
    expect(error.message).toContain(`process ${process.pid}`);
    expect(error.message).toContain(os.hostname());
    expect(error.hint).toContain('--state-dir');
  });

  test('a directory that was released can be taken again, by the next generation', async () => {
    const first = await lockState(directory);
    await first.release();
    expect(fs.existsSync(path.join(directory, AGENT_SOCKET))).toBe(false);
    const second = await take();
    expect([first.generation, second.generation]).toEqual([1, 2]);
  });

  test('another process is refused while the first lives, and gets the directory after a kill -9', async () => {
    const first = await start();
    expect(first.said).toBe('held 1');
    const refused = await start();
    expect(refused.said).toMatch(/^AUD_STATE_LOCKED/);
    expect(refused.said).toContain(`process ${first.child.pid}`);
    await kill(first.child);
    const next = await start();
    expect(next.said).toBe('held 2');
  });

  test('a stopped agent still holds the directory', async () => {
    const first = await start();
    first.child.kill('SIGSTOP');
    const error = await refusal(lockState(directory));
    expect(error.code).toBe('AUD_STATE_LOCKED');
    expect(error.message).toContain('does not answer');
  });

  test('of twenty that start at the same instant after a crash exactly one wins', async () => {
    await kill((await start()).child);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockState(directory)));
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    locks.push(...won);
    expect(won.map((lock) => lock.generation)).toEqual([2]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'AUD_STATE_LOCKED' });
    }
  });

  test('of twenty processes that start at the same instant after a crash exactly one wins', async () => {
    await kill((await start()).child);
    const started = await Promise.all(Array.from({ length: 20 }, () => start()));
    expect(started.filter(({ said }) => said === 'held 2')).toHaveLength(1);
    expect(started.filter(({ said }) => said.startsWith('AUD_STATE_LOCKED'))).toHaveLength(19);
  });

  test('crashes leave no growing heap of files behind', async () => {
    for (let crash = 0; crash < 4; crash += 1) await kill((await start()).child);
    fs.writeFileSync(path.join(directory, 'lock', 'candidate-of-a-crashed-starter'), '');
    const lock = await take();
    expect(fs.readdirSync(path.join(directory, 'lock')).sort()).toEqual([
      `owner.${lock.generation - 1}`,
      `owner.${lock.generation}`,
    ]);
  });

  test('the lock holds between process and network namespaces', async (context) => {
    const unshare = ['unshare', '-p', '-n', '--fork', '--kill-child'];
    if (spawnSync(unshare[0] as string, [...unshare.slice(1), 'true']).status !== 0) {
      context.skip('unshare -p -n is not permitted here');
    }
    const contained = await start(unshare);
    expect(contained.said).toBe('held 1');
    const error = await refusal(lockState(directory));
    expect(error.code).toBe('AUD_STATE_LOCKED');
    expect(error.message).toContain('process 1 (as counted in its own container)');
    await kill(contained.child);
    // The child of unshare dies with it, at some instant after.
    await expect.poll(async () => (await start(unshare)).said, { timeout: 10_000 }).toBe('held 2');
  });

  test('a path too long for a socket is reached another way', async () => {
    const long = path.join(directory, 'd'.repeat(100), 'e'.repeat(100));
    fs.mkdirSync(long, { recursive: true });
    await take(long);
    const error = await refusal(lockState(long));
    expect(error.message).toContain(`process ${process.pid}`);
  });
});

describe('the generation fence', () => {
  test('lets the owner pass', async () => {
    const lock = await take();
    expect(() => lock.check()).not.toThrow();
  });

  test('stops an owner whose directory was taken over by a later generation', async () => {
    const paused = await take();
    // As when another host shares the filesystem: there the socket counts as dead.
    fs.rmSync(path.join(directory, 'lock', 'owner.1'));
    fs.writeFileSync(path.join(directory, 'lock', 'owner.1'), 'no socket');
    const next = await take();
    expect(next.generation).toBe(2);
    expect(() => paused.check()).toThrow(expect.objectContaining({ code: 'AUD_STATE_LOCKED' }));
    expect(() => next.check()).not.toThrow();
  });

  test('stops an owner whose lock was removed', async () => {
    const lock = await take();
    fs.rmSync(path.join(directory, 'lock'), { recursive: true });
    expect(() => lock.check()).toThrow(/superseded/);
  });
});

describe('the control socket', () => {
  test('serves what the agent puts there, to its own user only', async () => {
    const lock = await take();
    const socketPath = path.join(directory, AGENT_SOCKET);
    expect(fs.statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(await get(socketPath, '/status')).toEqual([503, 'the agent is starting\n']);
    lock.serve((request, response) => response.end(`you asked for ${request.url}`));
    expect(await get(socketPath, '/status')).toEqual([200, 'you asked for /status']);
  });
});

function get(socketPath: string, url: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: url, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    request.on('error', reject);
  });
}
