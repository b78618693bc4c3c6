import type { Config, Metadata, OutputConfig } from '../config/schema.ts';
import { createElasticsearchOutput } from '../output/elasticsearch/elasticsearch.ts';
import { createFileOutput } from '../output/file/file.ts';
import { lineEncoder } from '../output/file/lines.ts';
import { createStdoutOutput } from '../output/file/stdout.ts';
import { createTransport } from '../output/http-transport.ts';
import type { TransportOptions } from '../output/http-transport.ts';
import { createHttpOutput } from '../output/http/http.ts';
import { createLokiOutput } from '../output/loki/loki.ts';
import type { Output } from '../output/output.ts';

/** The output that a configuration describes. Nothing is connected yet. Throws `AUD_SECRET` where a credential is missing. */
export function openOutput(config: OutputConfig, metadata: Metadata, options: TransportOptions): Output {
  switch (config.type) {
    case 'elasticsearch':
      return createElasticsearchOutput(config, metadata, createTransport(config, options));
    case 'loki':
      return createLokiOutput(config, metadata, createTransport(config, options));
    case 'http':
      return createHttpOutput(config, metadata, createTransport(config, options));
    case 'file':
      return createFileOutput(config, metadata);
    case 'stdout':
      return createStdoutOutput(config, metadata);
  }
}

/** An output as the pipelines of several sources use it. */
export interface OpenedOutputs {
  readonly all: readonly Output[];
  of(source: string): Output;
}

/**
 * One output for all sources; or, where events say from which they came, one for each, since what an output adds is fixed.
 * A file or stdout has one writer in any case.
 */
export function openOutputs(
  config: OutputConfig,
  { metadata, namesSources }: Pick<Config, 'metadata' | 'namesSources'>,
  sources: readonly { readonly name: string }[],
  options: TransportOptions,
): OpenedOutputs {
  if (namesSources !== true) {
    const output = openOutput(config, metadata, options);
    return { all: [output], of: () => output };
  }
  const opened = new Map<string, Output>();
  for (const { name: source } of sources) {
    const own = { ...metadata, source };
    const [first] = opened.values();
    const shared = first !== undefined && (config.type === 'file' || config.type === 'stdout');
    opened.set(source, shared ? { ...first, ...lineEncoder(own) } : openOutput(config, own, options));
  }
  const all =
    config.type === 'file' || config.type === 'stdout' ? [...opened.values()].slice(0, 1) : [...opened.values()];
  return {
    all,
    of(source) {
      const output = opened.get(source);
      if (output === undefined) throw new Error(`no output was opened for ${source}`);
      return output;
    },
  };
}
