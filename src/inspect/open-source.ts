import type { Logger } from 'pino';
import type { Config, SourceConfig } from '../config/schema.ts';
import { EventView } from '../event/event-view.ts';
import { eventListLines } from '../event/event-list.ts';
import type { Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { createCriSource } from '../source/cri/cri.ts';
import { createFileSource } from '../source/file.ts';
import type { Source } from '../source/source.ts';
import { createStdinSource } from '../source/stdin.ts';
import { createWebhookSource } from '../source/webhook/webhook.ts';

/** The source that a configuration describes. Nothing is read and nothing listened on yet. */
export function openSource(config: SourceConfig, { stateDirectory, outputs }: Config, logger: Logger): Source {
  const anomaly: Anomaly = (kind, words, fields) => {
    const level = kind === 'readable' ? 'info' : 'warn';
    logger[level]({ source: config.name, kind, ...fields }, words);
  };
  const parts = { stateDirectory, activePollMs: activePollMs(outputs), reference: lineReference(), anomaly };
  switch (config.type) {
    case 'file':
      return config.format === 'cri' ? createCriSource({ ...parts, config }) : createFileSource({ ...parts, config });
    case 'stdin':
      return createStdinSource({ ...parts, config, input: process.stdin });
    case 'webhook':
      return createWebhookSource({ ...parts, config, lines: eventListLines });
  }
}

/** New events are looked for twice within the shortest delay that an output asks for. */
function activePollMs(outputs: Config['outputs']): number {
  const shortest = Math.min(...outputs.map(({ batch }) => batch.maxDelay));
  return Math.max(5, Math.min(100, Math.floor(shortest / 2)));
}

/** Each source reads first lines with a view of its own: those of the pipelines are in use. */
function lineReference(): (line: Buffer) => EventReference | null {
  const view = new EventView();
  return (line) => (view.read(line, 0, line.length) === null ? view.reference() : null);
}
