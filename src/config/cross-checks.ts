import path from 'node:path';
import type { Path } from './problem.ts';
import { checkFilePaths, checkOutputs } from './output-checks.ts';
import type { Environment } from './reference.ts';
import { resolveReference } from './reference.ts';
import type { Report, Sound } from './report.ts';
import type { OutputConfig, Reference, SourceConfig } from './schema.ts';
import { checkSources } from './source-checks.ts';
import { suggest } from './suggestion.ts';

/** What of a configuration is in order by itself, even where other parts are not. */
export interface SoundParts {
  readonly stateDirectory: string;
  readonly sources: Sound<SourceConfig>;
  readonly outputs: Sound<OutputConfig>;
  /** Names of all sources, of unsound ones too. */
  readonly sourceNames: readonly string[];
  /** Which of cluster and node are set. */
  readonly metadata: readonly string[];
}

/** Everything that takes more than one value to judge, or a look at this machine. */
export function crossCheck(parts: SoundParts, environment: Environment, report: Report): void {
  checkNames('sources', parts.sources, report);
  checkNames('outputs', parts.outputs, report);
  checkSources(parts.sources, parts.stateDirectory, report);
  checkOutputs(parts.outputs, parts.metadata, report);
  checkSourceNames(parts, report);
  checkDestinations(parts, report);
  const logs = parts.sources.flatMap(({ item }) => (item.type === 'file' ? [path.resolve(item.path)] : []));
  checkFilePaths(parts.outputs, logs, report);
  for (const { at, item } of parts.outputs) checkReferences(item, at, environment, report);
  if (!path.isAbsolute(parts.stateDirectory)) {
    const message = `is relative: taken from the working directory, now ${path.resolve(parts.stateDirectory)}`;
    report({ path: ['stateDirectory'], level: 'warning', message });
  }
}

function checkNames(list: 'sources' | 'outputs', items: Sound<{ readonly name: string }>, report: Report): void {
  const seen = new Map<string, number>();
  for (const { at, item } of items) {
    // File names: two that differ in case only would be one on some filesystems.
    const key = item.name.toLowerCase();
    const before = seen.get(key);
    if (before === undefined) seen.set(key, at);
    else report({ path: [list, at, 'name'], message: `${list}[${before}] is called that already; names are unique` });
  }
}

function checkSourceNames({ outputs, sourceNames }: SoundParts, report: Report): void {
  for (const { at, item } of outputs) {
    for (const [index, source] of (item.sources ?? []).entries()) {
      if (sourceNames.includes(source)) continue;
      const meant = suggest(source, sourceNames);
      const end =
        meant === undefined ? `there are ${sourceNames.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
      report({
        path: ['outputs', at, 'sources', index],
        message: `no source is called ${JSON.stringify(source)}; ${end}`,
      });
    }
  }
}

/**
 * Two views of the same events in one index cannot be told apart: the document of an event has one id, so the view that
 * comes first wins, by chance.
 */
function checkDestinations({ outputs }: SoundParts, report: Report): void {
  const seen: { readonly at: number; readonly item: OutputConfig; readonly destination: string }[] = [];
  for (const { at, item } of outputs) {
    if (item.type !== 'elasticsearch') continue;
    const destination = `${[item.url].flat().toSorted().join(' ')} ${item.dataStream ?? item.index}`;
    const other = seen.find((one) => one.destination === destination && share(one.item, item));
    if (other !== undefined) {
      const same = JSON.stringify(other.item.filter) === JSON.stringify(item.filter);
      report({
        path: ['outputs', at],
        ...(same ? { level: 'warning' as const } : {}),
        message: same
          ? `delivers the same events to the same place as outputs[${other.at}]: all of it is sent twice and kept once`
          : `writes into the same ${item.index === undefined ? 'data stream' : 'index'} as outputs[${other.at}], with another filter; give each its own`,
      });
    }
    seen.push({ at, item, destination });
  }
}

function share(a: OutputConfig, b: OutputConfig): boolean {
  return a.sources === undefined || b.sources === undefined || a.sources.some((name) => b.sources?.includes(name));
}

const SECRETS = new Set(['password', 'bearer', 'apiKey', 'key']);

/** The outputs read their secrets themselves, again and again; here they only have to be there. */
function checkReferences(output: OutputConfig, at: number, environment: Environment, report: Report): void {
  if (!('url' in output)) return;
  for (const [path_, reference] of references(output)) {
    const where = ['outputs', at, ...path_];
    if (typeof reference === 'string') {
      if (SECRETS.has(String(path_.at(-1))) && !reference.startsWith('$')) {
        const message = 'is a secret in plain text; { env: NAME } or { file: PATH } keeps it out of this file';
        report({ path: where, level: 'warning', message });
      }
      continue;
    }
    const resolved = resolveReference(reference, environment);
    if ('problem' in resolved) report({ path: where, message: resolved.problem });
  }
}

function references(output: Extract<OutputConfig, { url: unknown }>): readonly [Path, Reference][] {
  const { auth, tls, headers } = output;
  const found: [Path, Reference | undefined][] = [
    [['auth', 'basic', 'username'], auth.basic?.username],
    [['auth', 'basic', 'password'], auth.basic?.password],
    [['auth', 'bearer'], auth.bearer],
    [['auth', 'apiKey'], auth.apiKey],
    [['tls', 'ca'], tls.ca],
    [['tls', 'cert'], tls.cert],
    [['tls', 'key'], tls.key],
    ...Object.entries(headers).map(([name, value]): [Path, Reference] => [['headers', name], value]),
  ];
  if (output.type === 'loki') found.push([['tenant'], output.tenant]);
  return found.filter((entry): entry is [Path, Reference] => entry[1] !== undefined);
}
