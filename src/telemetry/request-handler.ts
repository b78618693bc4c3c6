import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { AgentStatus } from '../inspect/status.ts';
import type { Metrics } from './metrics.ts';
import { isFromSameMachine } from './same-machine.ts';

/** The page for people at `/`: HTML, and the policy that a browser holds it to. */
export interface Page {
  readonly policy: string;
  render(): string;
}

export interface Watched {
  /** `undefined` while the agent is starting. */
  readonly status: () => AgentStatus | undefined;
  readonly metrics: Pick<Metrics, 'contentType' | 'render'>;
  /** Shown to whoever asks from this machine, and to nobody else: it tells paths and what receivers say. */
  readonly page?: Page;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly policy?: string;
}

/**
 * Answers /metrics, /healthz and /readyz; and /status where it is asked for, which tells paths and destinations and so
 * is served on the socket in the state directory only. The status page at / is for this machine only, for the same reason.
 *
 * Healthy is a process that answers: a receiver that is down is no reason to restart it. Ready is an agent that follows
 * all of its sources.
 */
export function createRequestHandler(watched: Watched, options: { readonly withStatus: boolean }): RequestListener {
  return (request, response) => {
    answer(request, watched, options.withStatus).then(
      (answered) => send(request, response, answered),
      (error: unknown) => send(request, response, text(500, `this went wrong: ${messageOf(error)}`)),
    );
  };
}

async function answer(request: IncomingMessage, watched: Watched, withStatus: boolean): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD are answered here');
  const [path] = (request.url ?? '/').split('?');
  switch (path) {
    case '/metrics':
      return { status: 200, type: watched.metrics.contentType, body: await watched.metrics.render() };
    case '/healthz':
      return text(200, 'ok');
    case '/readyz':
      return readiness(watched.status());
    case '/':
      if (watched.page !== undefined && isFromSameMachine(request)) {
        return {
          status: 200,
          type: 'text/html; charset=utf-8',
          body: watched.page.render(),
          policy: watched.page.policy,
        };
      }
      break;
    case '/status':
      if (withStatus) return statusAnswer(watched.status());
      break;
  }
  return text(404, `there is nothing here but /metrics, /healthz and /readyz${withStatus ? ', and /status' : ''}`);
}

function readiness(status: AgentStatus | undefined): Answer {
  if (status === undefined) return text(503, 'the agent is starting');
  const amiss = status.sources.filter(({ readable }) => !readable);
  if (amiss.length === 0) return text(200, 'ok');
  return text(503, amiss.map(({ name, words }) => `source ${name}: ${words}`).join('\n'));
}

function statusAnswer(status: AgentStatus | undefined): Answer {
  if (status === undefined) return text(503, 'the agent is starting');
  return { status: 200, type: 'application/json', body: `${JSON.stringify(status)}\n` };
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body, policy }: Answer): void {
  // A body that was sent with a GET is not read, and the connection goes with it.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
    response.setHeader('connection', 'close');
  }
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': policy ?? "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
