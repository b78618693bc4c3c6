import { createServer } from 'node:net';

/** Below the range from which a busy machine takes the ports of its outgoing connections. */
const FIRST = 12_000;
const COUNT = 20_000;

/** A port that is free now, and so is the one behind it, which some servers take as well. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
