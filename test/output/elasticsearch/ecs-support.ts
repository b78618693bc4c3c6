import { EventView } from '../../../src/event/event-view.ts';
import { ecsEncoder } from '../../../src/output/elasticsearch/ecs.ts';
import { targetOf } from '../../../src/output/elasticsearch/target.ts';
import type { Metadata } from '../../../src/output/metadata.ts';
import type { Output } from '../../../src/output/output.ts';
import { batchOf } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const url = 'http://es:9200';

/** The encoder behind the agent's own view of an event. */
export function ecs(
  metadata: Metadata = {},
  dataStream = 'logs-kubernetes.audit_logs-default',
): Pick<Output, 'encode'> {
  const encode = ecsEncoder(targetOf(outputConfig('elasticsearch', { url, dataStream })), metadata);
  const view = new EventView();
  return {
    encode(_, line, item) {
      const fault = view.read(line.bytes, line.start, line.end);
      if (fault !== null) throw new Error(fault);
      return encode(view, line, item);
    },
  };
}

export type Document = Readonly<Record<string, unknown>>;

/** The documents that lines become. */
export function documentsOf(lines: readonly (string | Buffer)[], metadata: Metadata = {}): readonly Document[] {
  const body = batchOf(ecs(metadata), lines).bytes.toString();
  return body
    .split('\n')
    .filter((_, at) => at % 2 === 1)
    .map((line) => JSON.parse(line) as Document);
}

/** All values at a field's path, through lists, as a server finds them: a key may hold dots itself. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((part) => valuesAt(part, path));
  if (path === '') return value === null || value === undefined ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    if (path === key) return valuesAt(part, '');
    return path.startsWith(`${key}.`) ? valuesAt(part, path.slice(key.length + 1)) : [];
  });
}
