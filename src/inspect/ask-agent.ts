import http from 'node:http';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AuditailError, messageOf, systemCode } from '../errors.ts';
import { AGENT_SOCKET } from '../state/lock.ts';
import { openSocketDirectory } from '../state/socket-path.ts';
import type { AgentStatus } from './status.ts';

const TIMEOUT_MS = 5000;

/** The status of the agent that runs on a state directory, or `null` where none does. */
export async function askAgent(stateDirectory: string): Promise<AgentStatus | null> {
  if (!existsSync(path.join(stateDirectory, AGENT_SOCKET))) return null;
  const sockets = openSocketDirectory(stateDirectory, AGENT_SOCKET);
  try {
    const { status, body } = await get(path.join(sockets.path, AGENT_SOCKET), '/status');
    if (status === 200) return JSON.parse(body) as AgentStatus;
    throw new Error(body.trim());
  } catch (error) {
    // The socket of an agent that was killed stays behind, and nobody answers there.
    if (['ECONNREFUSED', 'ENOENT'].includes(systemCode(error))) return null;
    throw unanswered(stateDirectory, error);
  } finally {
    sockets.close();
  }
}

function unanswered(stateDirectory: string, error: unknown): AuditailError {
  const denied = systemCode(error) === 'EACCES' || systemCode(error) === 'EPERM';
  const why = denied ? 'permission denied' : messageOf(error);
  return new AuditailError('AUD_INTERNAL', `the agent of ${stateDirectory} could not be asked: ${why}`, {
    hint: denied
      ? 'Ask as the user that the agent runs as, or as root.'
      : 'Try again in a moment; its log may say more.',
  });
}

function get(socketPath: string, requestPath: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path: requestPath, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on('timeout', () => request.destroy(new Error('it does not answer: it is paused or busy')));
    request.on('error', reject);
  });
}
