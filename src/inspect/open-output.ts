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
export interface OpenedOutputs<Source> {
  /** What has to be closed. */
  readonly all: readonly Output[];
  /** Each source that the output takes, with the output as it is for that. */
  readonly pairs: readonly (readonly [Source, Output])[];
}

/**
 * One output for all sources that it takes; or, where events say from which they came, one for each, since what an output
 * adds is fixed. A file or stdout has one writer in any case.
 */
export function openOutputs<Source extends { readonly name: string }>(
  config: OutputConfig,
  { metadata, namesSources }: Pick<Config, 'metadata' | 'namesSources'>,
  sources: readonly Source[],
  options: TransportOptions,
): OpenedOutputs<Source> {
  const taken = sources.filter(({ name }) => config.sources?.includes(name) ?? true);
  if (namesSources !== true) {
    const output = openOutput(config, metadata, options);
    return { all: [output], pairs: taken.map((source) => [source, output]) };
  }
  const all: Output[] = [];
  const pairs = taken.map((source): [Source, Output] => {
    const own = { ...metadata, source: source.name };
    const [first] = all;
    if (first !== undefined && (config.type === 'file' || config.type === 'stdout'))
      return [source, { ...first, ...lineEncoder(own) }];
    const output = openOutput(config, own, options);
    all.push(output);
    return [source, output];
  });
  return { all, pairs };
}
