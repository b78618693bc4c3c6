import type { ElasticsearchOutputConfig } from '../config/schema.ts';
import { askerOf, type Ask } from '../output/elasticsearch/setup/ask.ts';
import { planRemoval, planSetup } from '../output/elasticsearch/setup/plan.ts';
import type { Step } from '../output/elasticsearch/setup/step.ts';
import { serverOf } from '../output/elasticsearch/server.ts';
import { targetOf } from '../output/elasticsearch/target.ts';
import { createTransport, type TransportOptions } from '../output/http-transport.ts';
import { replyWords } from '../output/send-result.ts';

export interface Planned {
  /** What the server is, or what is wrong with it. */
  readonly text: string;
  readonly failed: boolean;
  readonly steps: readonly Step[];
  readonly ask: Ask;
  close(): Promise<void>;
}

const LIMIT_MS = 60_000;

/** Asks the server of an output what is there, and says what set-up would change. Throws `AUD_SECRET` where a credential is missing. */
export async function planOutput(
  config: ElasticsearchOutputConfig,
  options: TransportOptions,
  removal: { readonly withEvents: boolean } | undefined,
): Promise<Planned> {
  const transport = createTransport(config, options);
  const ask = askerOf(transport, AbortSignal.timeout(LIMIT_MS));
  const rest = { ask, close: () => transport.close() };
  const target = targetOf(config);
  const root = await ask('GET', '/');
  const server = root.status === 200 ? serverOf(root) : undefined;
  if (server === undefined) {
    const said =
      root.status === 0 ? `no answer (${root.reason}): ${root.words}` : `HTTP ${root.status}: ${replyWords(root)}`;
    return { ...rest, text: `neither Elasticsearch nor OpenSearch: ${said}`, failed: true, steps: [] };
  }
  if (server.kind === 'victorialogs') {
    return { ...rest, text: 'VictoriaLogs needs no set-up', failed: false, steps: [] };
  }
  const place = { config, target, server };
  const steps = removal === undefined ? await planSetup(ask, place) : await planRemoval(ask, place, removal.withEvents);
  return { ...rest, text: server.name, failed: false, steps };
}

/** Does what a step says; the server's words where it would not. */
export async function applyStep({ ask }: Planned, { request }: Step): Promise<string | undefined> {
  if (request === undefined) return undefined;
  const reply = await ask(request.method, request.path, request.body);
  if (reply.status >= 200 && reply.status < 300) return undefined;
  return reply.status === 0 ? `${reply.reason}: ${reply.words}` : `HTTP ${reply.status}: ${replyWords(reply)}`;
}
