// The receiver's process, as those see it who ask it what has come.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOf } from '../machine.ts';

export class Receiver {
  #child;

  constructor(child, port) {
    this.#child = child;
    this.port = port;
  }

  static async open() {
    const child = fork(fileURLToPath(new URL('receiver.mjs', import.meta.url)), { serialization: 'advanced' });
    const { port } = await told(child);
    return new Receiver(child, port);
  }

  /** Forgets all, and expects lines with numbers below `lines`; `timed`: notes when each comes; `kept`: the letters that count. */
  async begin(expected) {
    return this.#ask({ ask: 'begin', ...expected });
  }

  async stats() {
    return this.#ask({ ask: 'stats' });
  }

  /** When each line came, ns. */
  async arrivals() {
    return this.#ask({ ask: 'arrivals' });
  }

  get cpuSeconds() {
    return cpuSecondsOf(this.#child.pid);
  }

  close() {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #ask(what) {
    this.#child.send(what);
    return (await told(this.#child)).answer;
  }
}

/** Its next message. */
function told(child) {
  return new Promise((done, failed) => {
    const exited = () => failed(new Error('the receiver has ended'));
    child.once('exit', exited);
    child.once('message', (message) => {
      child.off('exit', exited);
      done(message);
    });
  });
}
