import type { ElasticsearchOutputConfig } from '../../../config/schema.ts';
import { replyWords } from '../../send-result.ts';
import type { TransportReply } from '../../transport.ts';
import { jsonOf, type Server } from '../server.ts';
import { patternOf, type Target } from '../target.ts';
import { type Ask, lacksApi } from './ask.ts';
import { difference, isRecord } from './difference.ts';
import { ilmPolicy, ismPolicy, needsLifecycle } from './lifecycle.ts';
import { MADE_BY } from './made-by.ts';
import { typesBeside } from './mapping-types.ts';
import type { Step } from './step.ts';
import { indexTemplate, mappingOf } from './template.ts';

/** What setup has to know of an output. */
export interface Place {
  readonly config: ElasticsearchOutputConfig;
  readonly target: Target;
  readonly server: Server;
}

/** The name of the template and the policy of a target. */
export function nameOf(target: Target): string {
  return `auditail-${patternOf(target)
    .replaceAll('*', '')
    .replace(/^[-._]+|[-._]+$/g, '')}`;
}

/** What setup would do, in the order in which it has to be done. Asks and changes nothing. */
export async function planSetup(ask: Ask, place: Place): Promise<readonly Step[]> {
  const policy = await planLifecycle(ask, place);
  const managed = policy !== undefined && place.server.kind === 'elasticsearch' && policy.request !== undefined;
  const followed = managed || (policy?.change === 'same' && place.server.kind === 'elasticsearch');
  const template = await planTemplate(ask, place, followed ? nameOf(place.target) : undefined);
  return [...(policy === undefined ? [] : [policy]), template, ...(await planTarget(ask, place))];
}

async function planLifecycle(ask: Ask, { config, target, server }: Place): Promise<Step | undefined> {
  if (!needsLifecycle(target, config.lifecycle)) return undefined;
  const name = nameOf(target);
  const what = `lifecycle policy ${name}`;
  const ism = server.kind === 'opensearch';
  const path = ism ? `/_plugins/_ism/policies/${name}` : `/_ilm/policy/${name}`;
  const reply = await ask('GET', path);
  if (lacksApi(reply)) {
    const words = `this server has no ${ism ? 'ISM' : 'ILM'}: nothing rolls over or ends by itself`;
    return { what, change: 'unsupported', lines: [], words };
  }
  if (reply.status !== 200 && reply.status !== 404) return unknown(what, reply);
  const desired = ism ? ismPolicy(target, config.lifecycle, patternOf(target)) : ilmPolicy(target, config.lifecycle);
  const answer = reply.status === 404 ? undefined : jsonOf(reply);
  const found = ism || !isRecord(answer) ? answer : answer[name];
  if (isRecord(found) && !isOurs(found['policy'])) return foreign(what);
  // A policy of ISM that is there is changed by the number of its last change.
  const version =
    ism && isRecord(found) ? `?if_seq_no=${found['_seq_no']}&if_primary_term=${found['_primary_term']}` : '';
  return compared(what, desired, found, ['policy.phases'], { method: 'PUT', path: path + version, body: desired });
}

async function planTemplate(ask: Ask, { config, target, server }: Place, policy: string | undefined): Promise<Step> {
  const name = nameOf(target);
  const what = `index template ${name}`;
  const path = `/_index_template/${name}`;
  const reply = await ask('GET', path);
  if (reply.status !== 200 && (reply.status !== 404 || lacksApi(reply))) return unknown(what, reply);
  const desired = indexTemplate(target, mappingOf(config, server.kind), patternOf(target), policy);
  const answer = reply.status === 404 ? undefined : jsonOf(reply);
  const listed = isRecord(answer) && Array.isArray(answer['index_templates']) ? answer['index_templates'] : [];
  const found = listed.find((entry) => isRecord(entry) && entry['name'] === name)?.index_template as unknown;
  if (found !== undefined && !isOurs(found)) return foreign(what);
  return compared(what, desired, found, ['template.mappings'], { method: 'PUT', path, body: desired });
}

async function planTarget(ask: Ask, { config, target, server }: Place): Promise<readonly Step[]> {
  const what = `${target.kind} ${target.pattern}`;
  const at = `/${encodeURIComponent(patternOf(target))}`;
  if (target.kind === 'data stream') {
    const reply = await ask('GET', `/_data_stream${at}`);
    if (lacksApi(reply)) return [{ what, change: 'unsupported', lines: [], words: 'the first event makes it' }];
    if (reply.status === 404) {
      return [{ what, change: 'create', lines: [], request: { method: 'PUT', path: `/_data_stream${at}` } }];
    }
    if (reply.status !== 200) return [unknown(what, reply)];
  }
  const reply = await ask('GET', `${at}/_mapping`);
  const indices = reply.status === 200 ? jsonOf(reply) : undefined;
  // Of the indices behind a stream, and of those of all days, the last one is written to.
  const last = isRecord(indices) ? Object.keys(indices).sort().at(-1) : undefined;
  if (last === undefined) return [{ what, change: 'same', lines: [], words: 'the first event makes it' }];
  const found = (indices as Record<string, { mappings?: unknown }>)[last]?.mappings;
  const lines = typesBeside(mappingOf(config, server.kind), found);
  if (lines.length === 0) return [{ what, change: 'same', lines }];
  if (target.kind === 'data stream') {
    const words = 'rolls over, so that what comes from now on has the new mapping';
    return [{ what, change: 'change', lines, words, request: { method: 'POST', path: `${at}/_rollover` } }];
  }
  const words = target.daily
    ? `${last} keeps its mapping; the next day has the new one`
    : 'a mapping cannot be changed: write to another index, or reindex this one';
  return [{ what, change: target.daily ? 'same' : 'refused', lines, words }];
}

/** What setup --remove would do. A data stream that holds events goes only with `withEvents`. */
export async function planRemoval(ask: Ask, { target, server }: Place, withEvents: boolean): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const name = nameOf(target);
  const at = encodeURIComponent(patternOf(target));
  if (target.kind === 'data stream') {
    const what = `data stream ${target.pattern}`;
    const reply = await ask('GET', `/_data_stream/${at}`);
    const counted = reply.status === 200 ? jsonOf(await ask('GET', `/${at}/_count`)) : undefined;
    const events = isRecord(counted) ? Number(counted['count']) : 0;
    if (events > 0 && !withEvents) {
      const words = `holds ${events} events: it stays, and with it what it is made by; --with-events removes them all`;
      return [{ what, change: 'refused', lines: [], words }];
    }
    if (reply.status === 200) {
      steps.push({
        what,
        change: 'remove',
        lines: [],
        words: `with ${events} events`,
        request: { method: 'DELETE', path: `/_data_stream/${at}` },
      });
    }
  }
  const ism = server.kind === 'opensearch';
  const paths = [
    [`index template ${name}`, `/_index_template/${name}`],
    [`lifecycle policy ${name}`, ism ? `/_plugins/_ism/policies/${name}` : `/_ilm/policy/${name}`],
  ] as const;
  for (const [what, path] of paths) {
    const reply = await ask('GET', path);
    if (reply.status === 404 || lacksApi(reply)) continue;
    if (reply.status !== 200) steps.push(unknown(what, reply));
    else if (!reply.body.includes(MADE_BY.managed_by)) steps.push(foreign(what));
    else steps.push({ what, change: 'remove', lines: [], request: { method: 'DELETE', path } });
  }
  return steps;
}

function compared(
  what: string,
  desired: unknown,
  found: unknown,
  exact: readonly string[],
  request: NonNullable<Step['request']>,
): Step {
  const lines = difference(desired, found, exact);
  if (found === undefined) return { what, change: 'create', lines, request };
  return lines.length === 0 ? { what, change: 'same', lines } : { what, change: 'change', lines, request };
}

function isOurs(found: unknown): boolean {
  if (!isRecord(found)) return false;
  const meta = found['_meta'];
  return (
    (isRecord(meta) && meta['managed_by'] === MADE_BY.managed_by) ||
    String(found['description'] ?? '').startsWith(`${MADE_BY.managed_by}: `)
  );
}

function foreign(what: string): Step {
  return { what, change: 'refused', lines: [], words: 'somebody else made one of this name: it is left alone' };
}

function unknown(what: string, reply: TransportReply): Step {
  const said = reply.status === 0 ? `${reply.reason}: ${reply.words}` : `HTTP ${reply.status}: ${replyWords(reply)}`;
  return { what, change: 'unknown', lines: [], words: said };
}
