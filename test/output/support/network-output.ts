import { configSchema, type NetworkOutputConfig } from '../../../src/config/schema.ts';

/** The configuration of one output, with every default filled in by the schema itself. */
export function outputConfig<Type extends NetworkOutputConfig['type']>(
  type: Type,
  settings: Readonly<Record<string, unknown>>,
): Extract<NetworkOutputConfig, { type: Type }> {
  const { outputs } = configSchema.parse({
    sources: [{ name: 'kube', type: 'file', path: '/var/log/kubernetes/audit.log' }],
    outputs: [{ name: 'out', type, ...settings }],
  });
  return outputs[0] as Extract<NetworkOutputConfig, { type: Type }>;
}
