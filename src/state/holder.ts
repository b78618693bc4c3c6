import http from 'node:http';
import net from 'node:net';
import { messageOf, systemCode } from '../errors.ts';

/** Who holds a state directory, as it says itself on its socket. */
export interface Holder {
  /** In the holder's own process namespace: another container's 7 is not ours. */
  readonly pid: number;
  readonly hostname: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly generation: number;
}

/** Where the holder answers; everything else on the socket is the status server's. */
export const HOLDER_PATH = '/holder';

/**
 * Whether anybody listens on a Unix socket file. The kernel refuses the connection (ECONNREFUSED) exactly when the
 * listening process is gone, however it ended and whatever namespaces it lived in. Any other answer counts as life.
 */
export function probeSocket(socketPath: string): Promise<'alive' | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error) => {
      socket.destroy();
      const code = systemCode(error);
      resolve(code === 'ECONNREFUSED' ? 'dead' : code === 'ENOENT' ? 'gone' : 'alive');
    });
  });
}

/** Asks the holder who it is; a sentence where it doesn't say. */
export function askHolder(socketPath: string, timeoutMs = 2000): Promise<Holder | string> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: HOLDER_PATH, agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => resolve(messageOf(error)));
      response.on('end', () => resolve(parseHolder(Buffer.concat(chunks).toString())));
    });
    request.on('timeout', () => request.destroy(new Error('it does not answer: it is paused or busy')));
    request.on('error', (error) => resolve(messageOf(error)));
  });
}

function parseHolder(text: string): Holder | string {
  try {
    return JSON.parse(text) as Holder;
  } catch (error) {
    return messageOf(error);
  }
}
