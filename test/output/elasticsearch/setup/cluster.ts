import { type Received, type Receiver, type Reply, startReceiver } from '../../support/receiver.ts';

type Kept = Record<string, unknown>;

/** The set-up APIs of a cluster as their documentation has them, remembering what was put there. */
export interface Cluster extends Receiver {
  /** By path. */
  readonly kept: Map<string, Kept>;
  /** Requests that changed something, `PUT /path`. */
  changes(): readonly string[];
}

const ROOTS = {
  elasticsearch: { cluster_name: 'lab', version: { number: '8.19.8' } },
  opensearch: { cluster_name: 'lab', version: { number: '2.19.5', distribution: 'opensearch' } },
};

/** `lacks`: beginnings of paths that this node has no handler for. */
export async function startCluster(
  kind: keyof typeof ROOTS,
  lacks: readonly string[] = [],
  answers: Readonly<Record<string, Reply>> = {},
): Promise<Cluster> {
  const kept = new Map<string, Kept>();
  const receiver = await startReceiver((request) => {
    const { method, url } = request;
    const path = url.replace(/\?.*/, '');
    const fixed = answers[`${method} ${path}`];
    if (fixed !== undefined) return fixed;
    if (path === '/') return json(200, ROOTS[kind]);
    if (lacks.some((start) => path.startsWith(start))) {
      return json(400, { error: `no handler found for uri [${url}] and method [${method}]` });
    }
    if (method === 'GET') return shown(path, kept.get(path));
    if (method === 'DELETE') {
      return kept.delete(path) ? json(200, { acknowledged: true }) : missing();
    }
    const version = new URL(url, 'http://x').searchParams.get('if_seq_no');
    if (path.startsWith('/_plugins/_ism') && kept.has(path) && version !== '7') {
      return json(409, { error: { type: 'version_conflict_engine_exception', reason: 'version conflict' } });
    }
    kept.set(path, request.body.length === 0 ? {} : (JSON.parse(request.body.toString()) as Kept));
    return json(200, { acknowledged: true });
  });
  return {
    ...receiver,
    kept,
    changes: () => receiver.received.filter(({ method }) => method !== 'GET').map(described),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

function described({ method, url }: Received): string {
  return `${method} ${url}`;
}

function shown(path: string, kept: Kept | undefined): Reply {
  if (path.endsWith('/_mapping')) return json(200, kept ?? {});
  if (kept === undefined) return missing();
  const name = path.split('/').at(-1) as string;
  if (path.startsWith('/_index_template/')) {
    const settings = asText((kept['template'] as Kept)['settings']);
    const template = { ...(kept['template'] as Kept), settings };
    return json(200, { index_templates: [{ name, index_template: { ...kept, template, composed_of: [] } }] });
  }
  if (path.startsWith('/_ilm/')) {
    const policy = kept['policy'] as { phases: Record<string, Kept> };
    return json(200, { [name]: { version: 1, modified_date: '2026-11-23T00:00:00.000Z', policy } });
  }
  if (path.startsWith('/_plugins/_ism/')) {
    const policy = { policy_id: name, last_updated_time: 1, schema_version: 21, ...(kept['policy'] as Kept) };
    return json(200, { _id: name, _version: 1, _seq_no: 7, _primary_term: 1, policy });
  }
  return json(200, { data_streams: [{ name }] });
}

/** Settings come back as text. */
function asText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, asText(part)]));
}

function missing(): Reply {
  return json(404, { error: { type: 'resource_not_found_exception', reason: 'not there' }, status: 404 });
}

function json(status: number, body: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
