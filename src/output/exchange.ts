import type { Dispatcher } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly complete: boolean;
}

/**
 * Sends one request and collects at most `maxAnswerBytes` of the answer. Rejects with what undici reports, or with the signal's reason,
 * at once, wherever in its life the request is.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  maxAnswerBytes: number,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let headers: Record<string, string> = {};
    const chunks: Buffer[] = [];
    let length = 0;

    function abort(): void {
      controller?.abort(asError(signal.reason));
      signal.removeEventListener('abort', abort);
      reject(asError(signal.reason));
    }
    function end(complete: boolean): void {
      signal.removeEventListener('abort', abort);
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
      resolve({ status, headers, body, complete });
    }

    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (signal.aborted) controller.abort(asError(signal.reason)); // it was still waiting for a connection
      },
      onResponseStart(_, statusCode, received) {
        status = statusCode;
        headers = flat(received);
      },
      onResponseData(_, chunk) {
        if (length >= maxAnswerBytes) return;
        const room = maxAnswerBytes - length;
        chunks.push(Buffer.from(chunk.subarray(0, room))); // the parser's memory is not ours to keep
        length += Math.min(chunk.length, room);
        if (chunk.length <= room) return;
        end(false);
        controller?.abort(new Error('the answer is too long')); // an endless answer must not hold the connection
      },
      onResponseEnd() {
        end(true);
      },
      onResponseError(_, error) {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}
