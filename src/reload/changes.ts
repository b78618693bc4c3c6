import type { Config } from '../config/schema.ts';
import type { PreparedFilter } from '../filter/create-filter.ts';

/** A configuration with all that is read along with it: the same text again makes the same agent. */
export interface Prepared {
  readonly config: Config;
  /** By name of the output. */
  readonly filters: ReadonlyMap<string, PreparedFilter>;
  /** The files that it was read from. */
  readonly files: readonly string[];
}

/** Why the one can't follow on the other while the agent runs; null where it can. */
export function obstacle(before: Config, after: Config): string | null {
  if (before.stateDirectory !== after.stateDirectory) {
    return 'stateDirectory cannot change while the agent runs: restart it';
  }
  if (pipesOf(before) !== pipesOf(after)) {
    return 'a source of type stdin cannot come, go or change its name while the agent runs: restart it with its pipe';
  }
  return null;
}

function pipesOf({ sources }: Config): string {
  return sources
    .filter(({ type }) => type === 'stdin')
    .map(({ name }) => name)
    .join(' ');
}

/** What has to be done to get from one configuration to the other. */
export type Step =
  | { readonly type: 'nothing' }
  /** Only filters differ: those of these outputs. */
  | { readonly type: 'filters'; readonly filters: ReadonlyMap<string, PreparedFilter> }
  | { readonly type: 'agent' };

export function stepBetween(before: Prepared, after: Prepared): Step {
  if (JSON.stringify(rest(before.config)) !== JSON.stringify(rest(after.config))) return { type: 'agent' };
  const changed = after.config.outputs.filter(({ name, filter }, at) => {
    const sameText = JSON.stringify(filter) === JSON.stringify(before.config.outputs[at]?.filter);
    return !sameText || before.filters.get(name)?.hash !== after.filters.get(name)?.hash;
  });
  if (changed.length === 0) return { type: 'nothing' };
  const filters = changed.flatMap(({ name }) => {
    const filter = after.filters.get(name);
    return filter === undefined ? [] : [[name, filter] as const];
  });
  return { type: 'filters', filters: new Map(filters) };
}

/** Without the filters, and without what is no part of the agent. */
function rest({ telemetry: _address, log: _level, outputs, ...others }: Config) {
  return { ...others, outputs: outputs.map(({ filter: _filter, ...output }) => output) };
}
