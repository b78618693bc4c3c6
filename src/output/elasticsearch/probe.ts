import type { ElasticsearchOutputConfig } from '../../config/schema.ts';
import type { Finding } from '../output.ts';
import { replyWords } from '../send-result.ts';
import type { Transport, TransportReply } from '../transport.ts';
import { jsonOf, serverOf } from './server.ts';
import type { Mapping } from './setup/mapping.ts';
import { typesBeside } from './setup/mapping-types.ts';
import { mappingOf } from './setup/template.ts';
import type { Target } from './target.ts';

type Ask = (method: 'GET' | 'HEAD' | 'POST', path: string, body?: string) => Promise<TransportReply>;

/** Tries the server, the credentials and the target, and writes nothing. */
export async function probe(
  transport: Transport,
  config: ElasticsearchOutputConfig,
  target: Target,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ask: Ask = (method, path, body) =>
    transport.request(
      {
        method,
        path,
        ...(body === undefined ? {} : { body: Buffer.from(body), headers: { 'content-type': 'application/json' } }),
      },
      signal,
    );

  const root = await ask('GET', '/');
  if (root.status !== 200) return [refusal(root)];
  const server = serverOf(root);
  if (server === undefined) {
    return [
      {
        level: 'error',
        text: 'The address answers, but not as Elasticsearch or OpenSearch does.',
        hint: 'Check the URL: it must lead to the root of the API, e.g. https://host:9200, behind a proxy with its path.',
      },
    ];
  }
  const findings: Finding[] = [{ level: 'ok', text: `It is ${server.name}.` }];
  if (server.kind === 'victorialogs') {
    findings.push({
      level: 'warning',
      text: 'VictoriaLogs ignores the ids of events: what is sent again after a crash or a broken connection is stored twice.',
      hint: 'Drop the copies when reading, e.g. with "uniq by (auditID, stage)".',
    });
    return findings;
  }
  const name = target.nameOn(today());
  const desired = mappingOf(config, server.kind);
  findings.push(
    ...(await probeTarget(ask, target, name, desired)),
    ...(await probeRights(ask, name)),
    ...(await probeLimit(ask, config.batch.maxBytes)),
  );
  return findings;
}

function refusal(reply: TransportReply): Finding {
  if (reply.status === 0) {
    return {
      level: 'error',
      text: `No answer (${reply.reason}): ${reply.words}`,
      hint:
        reply.reason === 'tls'
          ? 'Check tls.ca, tls.cert and the name in the URL.'
          : 'Check the URL, the network and the name service.',
    };
  }
  if (reply.status === 401) {
    return { level: 'error', text: `The credentials are not accepted: ${replyWords(reply)}`, hint: 'Check auth.' };
  }
  if (reply.status === 403) {
    return {
      level: 'warning',
      text: 'The credentials may not read the version of the server, so it is not known what it is.',
      hint: 'Harmless where they may write; to have it checked, grant the cluster privilege "monitor".',
    };
  }
  return {
    level: 'error',
    text: `The address answers with HTTP ${reply.status}: ${replyWords(reply)}`,
    hint: 'Check the URL, and the proxy if there is one.',
  };
}

async function probeTarget(ask: Ask, target: Target, name: string, desired: Mapping): Promise<readonly Finding[]> {
  const head = await ask('HEAD', `/${encodeURIComponent(name)}`);
  if (head.status === 200) {
    const settings = await ask('GET', `/${encodeURIComponent(name)}/_settings?filter_path=*.settings.index.blocks`);
    if (
      settings.status === 200 &&
      /"(?:write|read_only|read_only_allow_delete)":"true"/.test(settings.body.toString('latin1'))
    ) {
      return [
        {
          level: 'error',
          text: `The ${target.kind} ${name} is blocked for writing.`,
          hint: 'Lift the block: index.blocks.write.',
        },
      ];
    }
    return [{ level: 'ok', text: `The ${target.kind} ${name} is there.` }, ...(await probeMapping(ask, name, desired))];
  }
  if (head.status === 401 || head.status === 403) {
    return [{ level: 'warning', text: `The credentials may not see whether the ${target.kind} ${name} is there.` }];
  }
  if (head.status !== 404) return [refusal(head)];
  const settings = await ask('GET', '/_cluster/settings?include_defaults=true&filter_path=*.action.auto_create_index');
  if (/"auto_create_index":"?false/.test(settings.body.toString('latin1'))) {
    return [
      {
        level: 'error',
        text: `The ${target.kind} ${name} is not there, and the cluster does not create any by itself.`,
        hint: 'Create it, or allow it in action.auto_create_index.',
      },
    ];
  }
  const simulated = jsonOf(await ask('POST', `/_index_template/_simulate_index/${encodeURIComponent(name)}`));
  const template = (simulated as { template?: { mappings?: unknown } } | undefined)?.template;
  if (template?.mappings !== undefined && typesBeside(desired, template.mappings).length === 0) {
    return [{ level: 'ok', text: `The template for ${name} is there; the first event makes the ${target.kind}.` }];
  }
  return [
    {
      level: 'warning',
      text: `The ${target.kind} ${name} is not there yet; the first event creates it, with the mapping of the index template that matches.`,
      hint: 'Without a template for audit events about a quarter of them is refused: run "auditail setup" first.',
    },
  ];
}

/** Whether what is there has the types that let every event in. Says nothing where the credentials may not look. */
async function probeMapping(ask: Ask, name: string, desired: Mapping): Promise<readonly Finding[]> {
  const reply = await ask('GET', `/${encodeURIComponent(name)}/_mapping`);
  const indices =
    reply.status === 200 ? (jsonOf(reply) as Record<string, { mappings?: unknown }> | undefined) : undefined;
  const last = Object.keys(indices ?? {})
    .sort()
    .at(-1); // of a data stream: the index that is written to
  if (indices === undefined || last === undefined) return [];
  const beside = typesBeside(desired, indices[last]?.mappings);
  if (beside.length === 0) return [{ level: 'ok', text: 'Its mapping takes every event.' }];
  return [
    {
      level: 'warning',
      text: `Its mapping is not the one for audit events: ${beside.slice(0, 3).join(', ')}${beside.length > 3 ? ' …' : ''}`,
      hint: 'Events may be refused for their shape, or not be found; "auditail setup" shows and mends it.',
    },
  ];
}

/** A request that is larger than the server takes is split, which costs a sending each time. */
async function probeLimit(ask: Ask, maxBytes: number): Promise<readonly Finding[]> {
  const reply = await ask('GET', '/_nodes/http?filter_path=nodes.*.http.max_content_length_in_bytes');
  if (reply.status !== 200) return [];
  const limits = [...reply.body.toString('latin1').matchAll(/"max_content_length_in_bytes":(\d+)/g)].map(([, n]) =>
    Number(n),
  );
  const limit = Math.min(...limits);
  if (limits.length === 0 || maxBytes <= limit) return [];
  return [
    {
      level: 'warning',
      text: `A node takes requests of ${limit} bytes (http.max_content_length); batch.maxBytes is ${maxBytes}.`,
      hint: 'Lower batch.maxBytes, or each larger batch is sent twice, the second time in halves.',
    },
  ];
}

/** Asks for the right to create documents; a server without this API has no such rights to check. */
async function probeRights(ask: Ask, name: string): Promise<readonly Finding[]> {
  const body = JSON.stringify({ index: [{ names: [name], privileges: ['create_doc'] }] });
  const reply = await ask('POST', '/_security/user/_has_privileges', body);
  if (reply.status !== 200) return [];
  const rights = jsonOf(reply) as { has_all_requested?: unknown } | undefined;
  if (rights?.has_all_requested === true) return [{ level: 'ok', text: `The credentials may write to ${name}.` }];
  return [
    {
      level: 'error',
      text: `The credentials may not write to ${name}.`,
      hint: 'Grant the index privilege "create_doc", and "auto_configure" where indices are created by the first event.',
    },
  ];
}

function today(): number {
  const now = new Date();
  return now.getUTCFullYear() * 10_000 + (now.getUTCMonth() + 1) * 100 + now.getUTCDate();
}
