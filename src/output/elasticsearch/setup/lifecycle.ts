import type { ElasticsearchOutputConfig } from '../../../config/schema.ts';
import type { Target } from '../target.ts';
import { MADE_BY } from './made-by.ts';

type Lifecycle = ElasticsearchOutputConfig['lifecycle'];

/** Whether there is anything for a lifecycle to do: an index of a fixed name neither rolls over nor ends. */
export function needsLifecycle(target: Target, { retain }: Lifecycle): boolean {
  return target.kind === 'data stream' || (target.daily && retain !== undefined);
}

/** A policy of Elasticsearch's index lifecycle management (`PUT _ilm/policy/NAME`). */
export function ilmPolicy(target: Target, lifecycle: Lifecycle): unknown {
  const { retain, rolloverAge, rolloverSize } = lifecycle;
  const rollover = { max_primary_shard_size: size(rolloverSize), max_age: age(rolloverAge) };
  return {
    policy: {
      _meta: MADE_BY,
      phases: {
        hot: { actions: target.kind === 'data stream' ? { rollover } : {} },
        ...(retain === undefined ? {} : { delete: { min_age: age(retain), actions: { delete: {} } } }),
      },
    },
  };
}

/** A policy of OpenSearch's index state management (`PUT _plugins/_ism/policies/NAME`), which finds its indices by itself. */
export function ismPolicy(target: Target, lifecycle: Lifecycle, indexPattern: string): unknown {
  const { retain, rolloverAge, rolloverSize } = lifecycle;
  const isStream = target.kind === 'data stream';
  const rollover = { min_primary_shard_size: size(rolloverSize), min_index_age: age(rolloverAge) };
  const since = isStream ? 'min_rollover_age' : 'min_index_age';
  const end = retain === undefined ? [] : [{ state_name: 'delete', conditions: { [since]: age(retain) } }];
  return {
    policy: {
      description: `${MADE_BY.managed_by}: ${target.pattern}`,
      default_state: 'hot',
      states: [
        { name: 'hot', actions: isStream ? [{ rollover }] : [], transitions: end },
        ...(retain === undefined ? [] : [{ name: 'delete', actions: [{ delete: {} }], transitions: [] }]),
      ],
      ism_template: [{ index_patterns: [indexPattern], priority: 500 }],
    },
  };
}

/** In the largest unit that is exact, as servers give it back. */
function age(ms: number): string {
  const total = Math.ceil(ms / 1000);
  for (const [unit, length] of Object.entries({ d: 86_400, h: 3600, m: 60 })) {
    if (total % length === 0) return `${total / length}${unit}`;
  }
  return `${total}s`;
}

function size(bytes: number): string {
  for (const [unit, length] of Object.entries({ gb: 2 ** 30, mb: 2 ** 20, kb: 2 ** 10 })) {
    if (bytes % length === 0) return `${bytes / length}${unit}`;
  }
  return `${bytes}b`;
}
