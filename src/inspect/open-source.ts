import type { SourceConfig } from '../config/schema.ts';
import { eventListLines } from '../event/event-list.ts';
import type { Anomaly } from '../log/log.ts';
import type { EventReference } from '../log/loss.ts';
import { createCriSource } from '../source/cri/cri.ts';
import { createFileSource } from '../source/file.ts';
import type { Source } from '../source/source.ts';
import { createStdinSource } from '../source/stdin.ts';
import { createWebhookSource } from '../source/webhook/webhook.ts';

export interface SourceParts {
  readonly stateDirectory: string;
  /** How soon new events should be seen while they come. */
  readonly activePollMs: number;
  reference(line: Buffer): EventReference | null;
  readonly anomaly: Anomaly;
}

/** The source that a configuration describes. Nothing is read and nothing listened on yet. */
export function openSource(config: SourceConfig, parts: SourceParts): Source {
  switch (config.type) {
    case 'file':
      return config.format === 'cri' ? createCriSource({ ...parts, config }) : createFileSource({ ...parts, config });
    case 'stdin':
      return createStdinSource({ ...parts, config, input: process.stdin });
    case 'webhook':
      return createWebhookSource({ ...parts, config, lines: eventListLines });
  }
}
