import type { Metadata, OutputConfig } from '../config/schema.ts';
import { createElasticsearchOutput } from '../output/elasticsearch/elasticsearch.ts';
import { createFileOutput } from '../output/file/file.ts';
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
