import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventView } from '../../../src/event/event-view.ts';
import { SLOT } from '../../../src/event/field.ts';
import type { PolicyFilter } from '../../../src/filter/policy/policy-filter.ts';
import { shared } from '../../support/shared.ts';
import { hasGo } from '../../support/tool.ts';

/** The API server's own evaluator as a program; `undefined` where it is not there and cannot be built. */
export function findOracle(): string | undefined {
  const folder = shared('servers/policy-oracle');
  if (folder === undefined) return undefined;
  const cache = process.env['SERVERS_CACHE'] ?? '/var/tmp/auditail-servers';
  const program = join(cache, 'policy-oracle');
  if (existsSync(program)) return program;
  if (!hasGo()) return undefined;
  execFileSync('bash', [join(folder, 'build.sh')], { env: { ...process.env, SERVERS_CACHE: cache }, stdio: 'ignore' });
  return program;
}

/** Random valid policies that draw on the users, paths and resources of some events: their texts. */
export function generatePolicies(oracle: string, count: number, seed: number, events: string, into: string): string[] {
  mkdirSync(into, { recursive: true });
  const from = join(into, 'events.jsonl');
  // It draws prefixes from the paths, and of `*` it makes URLs that no policy may hold.
  const usable = events.split('\n').filter((line) => !line.includes('"requestURI":"*"'));
  writeFileSync(from, usable.join('\n'));
  const out = join(into, 'policies');
  execFileSync(oracle, ['-gen', `${count}`, '-seed', `${seed}`, '-from', from, '-out', out]);
  return readdirSync(out)
    .sort()
    .map((name) => readFileSync(join(out, name), 'utf8'));
}

/** What the API server decides on each line of `events`: level, rule, and whether stage and managed fields go. */
export function askOracle(oracle: string, policy: string, events: string, folder: string): string[] {
  const path = join(folder, 'policy.yaml');
  writeFileSync(path, policy);
  const answer = execFileSync(oracle, ['-policy', path], { input: events, maxBuffer: 1 << 30, stdio: 'pipe' });
  return answer.toString().trimEnd().split('\n').map(shortAnswer);
}

const LETTERS: Readonly<Record<string, string>> = { None: 'N', Metadata: 'M', Request: 'Q', RequestResponse: 'R' };

interface Answer {
  readonly level: string;
  readonly rule: number;
  readonly omit: boolean;
  readonly omitManagedFields: boolean;
}

function shortAnswer(line: string): string {
  return short(JSON.parse(line) as Answer);
}

/** The same of ours. */
export function decisionOf(filter: PolicyFilter, event: EventView): string {
  const { level, rule, omitStages, omitManagedFields } = filter.decide(event);
  const stages: ReadonlySet<string> = omitStages;
  return short({ level, rule, omit: stages.has(event.text(SLOT.stage)), omitManagedFields });
}

/** `2M`: the rule and the level, with `-` where the stage is omitted and `m` where managed fields are. */
function short({ level, rule, omit, omitManagedFields }: Answer): string {
  return `${rule}${LETTERS[level]}${omit ? '-' : ''}${omitManagedFields ? 'm' : ''}`;
}
