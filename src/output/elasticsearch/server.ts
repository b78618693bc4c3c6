import type { TransportReply } from '../transport.ts';

export type ServerKind = 'elasticsearch' | 'opensearch' | 'victorialogs';

export interface Server {
  readonly kind: ServerKind;
  /** `Elasticsearch 8.19.8`: for people. */
  readonly name: string;
}

/** What answers at the root of the API; `undefined` where it is none of them. */
export function serverOf(reply: TransportReply): Server | undefined {
  const found = jsonOf(reply) as
    | { version?: { number?: unknown; distribution?: unknown }; cluster_name?: unknown }
    | undefined;
  const number = found?.version?.number;
  if (typeof number !== 'string') return undefined;
  if (found?.version?.distribution === 'opensearch') return { kind: 'opensearch', name: `OpenSearch ${number}` };
  // VictoriaLogs answers as an Elasticsearch 8.9.0 that has no cluster.
  if (found?.cluster_name === undefined) return { kind: 'victorialogs', name: 'VictoriaLogs' };
  return { kind: 'elasticsearch', name: `Elasticsearch ${number}` };
}

/** The JSON of an answer; `undefined` where it is none. */
export function jsonOf(reply: TransportReply): unknown {
  try {
    return JSON.parse(reply.body.toString('utf8'));
  } catch {
    return undefined;
  }
}
