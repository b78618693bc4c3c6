import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '../errors.ts';
import { type Fault, PlannedFault } from './fault.ts';
import type { Answer, DeliveredEvent, Delivery, ItemAnswer, Protocol } from './protocol.ts';
import { Tally } from './tally.ts';

/** What is remembered of a request. */
export interface RequestRecord {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly events: number;
  readonly bodyBytes: number;
  /** 0 where there was no answer. */
  readonly status: number;
}

const RECORDS_KEPT = 10_000;

/**
 * One receiver of the embedded server: it stores what it is sent in a tally, answers as the real server does, and goes
 * wrong on demand: `endpoint.refuse(503).times(2)`.
 */
export class Endpoint {
  /** Where an output is to send to. */
  readonly url: string;
  readonly tally = new Tally();
  readonly requests: RequestRecord[] = [];
  /** Called when a request has been stored and not yet been answered. */
  onStored: (() => void) | undefined;
  readonly #protocol: Protocol;
  readonly #keys = new Set<string>();
  #faults: PlannedFault[] = [];
  #conflicts = 0;
  #unanswered = 0;
  #largest = 0;

  constructor(url: string, protocol: Protocol) {
    this.url = url;
    this.#protocol = protocol;
  }

  /** Items that were refused with 409 because they were there already. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** Requests that are stored and have not been answered yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Events in the largest request so far. */
  get largestRequest(): number {
    return this.#largest;
  }

  refuse(status: number, headers: Readonly<Record<string, string>> = {}): PlannedFault {
    const answer = this.#protocol.refusal(status);
    return this.plan({ type: 'answer', answer: { ...answer, headers: { ...answer.headers, ...headers } } });
  }

  /** Refuses with a page of HTML, as a proxy in front does. */
  refuseWithHtml(status: number): PlannedFault {
    const body = `<html><head><title>${status}</title></head><body><center>nginx</center></body></html>`;
    return this.plan({ type: 'answer', answer: { status, headers: { 'content-type': 'text/html' }, body } });
  }

  /** Says 200 and something without sense, and stores nothing. */
  answerNonsense(body = 'OK'): PlannedFault {
    return this.plan({ type: 'answer', answer: { status: 200, headers: { 'content-type': 'text/html' }, body } });
  }

  hang(): PlannedFault {
    return this.plan({ type: 'hang' });
  }

  reset(): PlannedFault {
    return this.plan({ type: 'reset' });
  }

  slow(delayMs: number): PlannedFault {
    return this.plan({ type: 'slow', delayMs });
  }

  loseAnswer(): PlannedFault {
    return this.plan({ type: 'loseAnswer' });
  }

  /** Elasticsearch only: refuses single items. */
  reject(matches: (event: Buffer) => boolean, item: ItemAnswer = MAPPING_ERROR): PlannedFault {
    return this.plan({ type: 'reject', matches, item });
  }

  plan(fault: Fault): PlannedFault {
    const planned = new PlannedFault(fault);
    this.#faults.push(planned);
    return planned;
  }

  /** Everything works again. Requests that hang stay so until the sender gives up. */
  heal(): void {
    this.#faults = [];
  }

  /** Serves one request whose path belongs to this endpoint. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reset = this.#faults.find(({ fault }) => fault.type === 'reset');
    if (reset?.takes([]) === true) {
      request.once('data', () => request.socket.resetAndDestroy());
      this.#note(request, [], 0, 0);
      return;
    }
    let delivery: Delivery;
    let events: readonly DeliveredEvent[];
    try {
      delivery = await receive(request);
      events = this.#protocol.read(delivery);
    } catch (error) {
      // A sender that died in the middle of its request is no bad request.
      if (!request.complete) return;
      this.#note(request, [], 0, 400);
      reply(response, { ...this.#protocol.refusal(400), body: messageOf(error) });
      return;
    }
    this.#largest = Math.max(this.#largest, events.length);
    const fault = this.#faults.find((planned) => planned.fault.type !== 'reset' && planned.takes(events))?.fault;
    if (fault?.type === 'hang') {
      this.#note(request, events, delivery.body.length, 0);
      return;
    }
    if (fault?.type === 'answer') {
      this.#note(request, events, delivery.body.length, fault.answer.status);
      reply(response, fault.answer);
      return;
    }
    const items = events.map((event) => this.#store(event, fault));
    this.onStored?.();
    if (fault?.type === 'loseAnswer') {
      this.#note(request, events, delivery.body.length, 0);
      request.socket.resetAndDestroy();
      return;
    }
    this.#unanswered += 1;
    if (fault?.type === 'slow') await sleep(fault.delayMs);
    this.#unanswered -= 1;
    const answer = this.#protocol.answer(items, delivery);
    this.#note(request, events, delivery.body.length, answer.status);
    reply(response, answer);
  }

  #store(event: DeliveredEvent, fault: Fault | undefined): ItemAnswer {
    if (fault?.type === 'reject' && fault.matches(event.bytes)) return fault.item;
    if (event.key !== '' && this.#protocol.refusesKnownKeys) {
      if (this.#keys.has(event.key)) {
        this.#conflicts += 1;
        return CONFLICT;
      }
      this.#keys.add(event.key);
    }
    this.tally.store(event.bytes);
    return { status: 201 };
  }

  #note(request: IncomingMessage, events: readonly DeliveredEvent[], bodyBytes: number, status: number): void {
    if (this.requests.length === RECORDS_KEPT) this.requests.shift();
    const headers = request.headers as Record<string, string | undefined>;
    this.requests.push({ path: request.url ?? '', headers, events: events.length, bodyBytes, status });
  }
}

const MAPPING_ERROR: ItemAnswer = {
  status: 400,
  type: 'document_parsing_exception',
  reason: '[1:100] object mapping for [responseObject.status] tried to parse field [status] as object',
};

const CONFLICT: ItemAnswer = {
  status: 409,
  type: 'version_conflict_engine_exception',
  reason: '[x]: version conflict, document already exists (current version [1])',
};

async function receive(request: IncomingMessage): Promise<Delivery> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const packed = Buffer.concat(chunks);
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers as Record<string, string | undefined>,
    body: request.headers['content-encoding'] === 'gzip' ? gunzipSync(packed) : packed,
  };
}

function reply(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}
