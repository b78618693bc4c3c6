import type { Socket } from 'node:net';

/**
 * Connections of which nobody knows yet whose they are: no certificate, no token, no request. Only so many of them are
 * held, and the oldest goes first: whoever opens connections and says nothing cannot keep the API server out.
 */
export class UnprovenConnections {
  readonly #max: number;
  readonly #sockets = new Map<string, Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** True where another one had to go. */
  add(socket: Socket): boolean {
    const key = keyOf(socket);
    this.#sockets.set(key, socket);
    socket.once('close', () => {
      if (this.#sockets.get(key) === socket) this.#sockets.delete(key);
    });
    if (this.#sockets.size <= this.#max) return false;
    const [oldest] = this.#sockets;
    if (oldest === undefined) return false;
    this.#sockets.delete(oldest[0]);
    oldest[1].destroy();
    return true;
  }

  /** The socket, or the one that it is the TLS side of, belongs to somebody who may post. */
  prove(socket: Socket): void {
    this.#sockets.delete(keyOf(socket));
  }
}

/** A TLS socket and the one below it have the same ends. */
function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
