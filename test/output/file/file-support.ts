import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type OutputConfig } from '../../../src/config/schema.ts';

/** The configuration of one output, with every default filled in by the schema itself. */
export function outputConfig<Type extends OutputConfig['type']>(
  settings: Readonly<Record<string, unknown>> & { readonly type: Type },
): Extract<OutputConfig, { type: Type }> {
  const { outputs } = configSchema.parse({
    sources: [{ name: 'kube', type: 'file', path: '/var/log/kubernetes/audit.log' }],
    outputs: [{ name: 'out', ...settings }],
  });
  return outputs[0] as Extract<OutputConfig, { type: Type }>;
}

export interface Scratch extends Disposable {
  readonly path: string;
  at(name: string): string;
}

/** A directory that goes away with the test. */
export function scratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'auditail-file-'));
  return {
    path,
    at: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}
