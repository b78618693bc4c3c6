import type { IncomingMessage } from 'node:http';

/** Bytes that bodies may take together while they are received or wait to be written. */
export class BodyBudget {
  readonly #maxBytes: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#maxBytes) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What a request brought, or why it is not taken. Whoever takes the bytes gives them back to the budget. */
export type Body = Buffer | 'too-large' | 'busy' | 'cut-off';

/**
 * Receives a body, never more of it than `maxBytes`, and as much memory as has really come: what a header announces is
 * only a claim.
 */
export async function receiveBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Body> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return 'too-large';
  // Known to find no room, it is better told at once than after a megabyte.
  if (!budget.take(announced)) return 'busy';
  budget.give(announced);
  const chunks: Buffer[] = [];
  let length = 0;
  const refuse = (why: 'too-large' | 'busy' | 'cut-off') => {
    budget.give(length);
    return why;
  };
  try {
    // Left early, it must not take the connection along: whoever posts has to hear why.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (length + chunk.length > maxBytes) return refuse('too-large');
      if (!budget.take(chunk.length)) return refuse('busy');
      length += chunk.length;
      chunks.push(chunk);
    }
  } catch {
    // The connection broke, or was too slow: nobody is left who could be told.
    return refuse('cut-off');
  }
  return request.complete ? Buffer.concat(chunks, length) : refuse('cut-off');
}
