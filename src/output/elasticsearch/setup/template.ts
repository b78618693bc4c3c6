import type { ElasticsearchOutputConfig } from '../../../config/schema.ts';
import type { ServerKind } from '../server.ts';
import type { Target } from '../target.ts';
import { ecsMapping } from './ecs-mapping.ts';
import { MADE_BY } from './made-by.ts';
import { type Mapping, nativeMapping } from './mapping.ts';

/** Above the templates that servers bring along (100) and Elastic's integrations (200), which have the same patterns. */
const PRIORITY = 500;

export function mappingOf({ format }: Pick<ElasticsearchOutputConfig, 'format'>, kind: ServerKind): Mapping {
  return format === 'ecs' ? ecsMapping(kind) : nativeMapping(kind);
}

/** An index template (`PUT _index_template/NAME`). `policy`: the ILM policy that its indices follow. */
export function indexTemplate(
  target: Target,
  mapping: Mapping,
  indexPattern: string,
  policy: string | undefined,
): unknown {
  const index = { codec: 'best_compression', ...(policy === undefined ? {} : { lifecycle: { name: policy } }) };
  return {
    index_patterns: [indexPattern],
    ...(target.kind === 'data stream' ? { data_stream: {} } : {}),
    priority: PRIORITY,
    _meta: MADE_BY,
    template: { settings: { index }, mappings: mapping },
  };
}
