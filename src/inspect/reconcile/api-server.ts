import type { Transport, TransportReply } from '../../output/transport.ts';
import { replyWords } from '../../output/send-result.ts';

/** What an API server says of its own audit events, at one moment. */
export interface ApiServerCount {
  /** Start of its process, ms since the epoch: its counters began at zero then. */
  readonly startedMs: number;
  /** `apiserver_audit_event_total`: events made since the start. */
  readonly events: number;
  /** `apiserver_audit_error_total` of the log backend: events that it could not write. */
  readonly errors: number;
}

/** `words` says why it could not be asked. */
export type Asked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly words: string };

/** The page of a large cluster has some ten megabytes. */
const MAX_PAGE_BYTES = 128 * 2 ** 20;

/** Scrapes /metrics of an API server. It needs the right to `get` the non-resource URL `/metrics`. */
export async function askApiServer(transport: Transport, signal: AbortSignal): Promise<Asked<ApiServerCount>> {
  const reply = await transport.request({ method: 'GET', path: '/metrics', maxAnswerBytes: MAX_PAGE_BYTES }, signal);
  if (reply.status !== 200) return { ok: false, words: whyNot(reply) };
  if (!reply.complete) return { ok: false, words: `its metrics are longer than ${MAX_PAGE_BYTES} bytes` };
  const count = countsIn(reply.body.toString('latin1'));
  if (count === null) return { ok: false, words: 'its metrics have no process_start_time_seconds' };
  return { ok: true, value: count };
}

/** Reads the three numbers off a page in Prometheus' text format; null where the start of the process is missing. */
export function countsIn(page: string): ApiServerCount | null {
  const started = sumOf(page, 'process_start_time_seconds', '');
  if (started === null) return null;
  return {
    startedMs: started * 1000,
    events: sumOf(page, 'apiserver_audit_event_total', '') ?? 0,
    errors: sumOf(page, 'apiserver_audit_error_total', 'plugin="log"') ?? 0,
  };
}

/** Sum of all series of a metric that have this in their labels; null where there is none. */
function sumOf(page: string, metric: string, label: string): number | null {
  let sum: number | null = null;
  for (let at = page.indexOf(metric); at !== -1; at = page.indexOf(metric, at + 1)) {
    if (at > 0 && page[at - 1] !== '\n') continue;
    const end = page.indexOf('\n', at);
    const line = page.slice(at, end === -1 ? page.length : end);
    const [, labels, value] = /^[a-z_]+(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (value === undefined || !line.startsWith(metric) || !/[{ ]/.test(line[metric.length] ?? '')) continue;
    if (!(labels ?? '').includes(label)) continue;
    sum = (sum ?? 0) + Number(value);
  }
  return sum;
}

function whyNot(reply: TransportReply): string {
  if (reply.status === 0) return `no answer (${reply.reason}): ${reply.words}`;
  return `HTTP ${reply.status}: ${replyWords(reply)}`;
}
