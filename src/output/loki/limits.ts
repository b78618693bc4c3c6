import type { LokiOutputConfig } from '../../config/schema.ts';
import type { Finding } from '../output.ts';
import type { TransportReply } from '../transport.ts';

/** The answer is all of the configuration: about 90 KiB with the defaults of 3.7. */
export const MAX_CONFIG_BYTES = 2 ** 20;

const SECTION = /^limits_config:\n((?:[ -].*\n?)*)/m;

/**
 * What Loki's own configuration (`GET /config`, the settings of all tenants without their overrides) means for an audit trail. Nothing
 * where it is not shown, as behind a gateway.
 */
export function aboutLimits(reply: TransportReply, config: LokiOutputConfig): readonly Finding[] {
  const section = reply.status === 200 ? SECTION.exec(reply.body.toString('utf8'))?.[1] : undefined;
  if (section === undefined) return [];
  const limit = (name: string): string => new RegExp(`^ {2}${name}: ([\\w.]{1,32})$`, 'm').exec(section)?.[1] ?? '';
  const findings: Finding[] = [];
  const longest = limit('max_line_size');
  const longestBytes = bytesOf(longest);
  if (limit('max_line_size_truncate') === 'true') {
    findings.push({
      level: 'warning',
      text: `Loki cuts lines of more than ${longest} off without a word (max_line_size_truncate).`,
      hint: 'Set max_line_size_truncate to false there, and maxLineBytes here to no more than max_line_size.',
    });
  }
  if (longestBytes > 0 && longestBytes < config.maxLineBytes) {
    findings.push({
      level: 'warning',
      text: `Loki takes lines of up to ${longest} (max_line_size); maxLineBytes is ${config.maxLineBytes}, so longer ones are refused and set aside.`,
      hint: `Raise max_line_size there, or set maxLineBytes to ${longestBytes} here.`,
    });
  }
  if (limit('allow_structured_metadata') === 'false') {
    findings.push({
      level: 'error',
      text: 'Loki takes no structured metadata (allow_structured_metadata), in which stands what one looks for.',
      hint: 'Set allow_structured_metadata to true there.',
    });
  }
  if (/^ {2}shard_streams:\n(?: {4}.*\n)*? {4}enabled: true$/m.test(section)) {
    findings.push({
      level: 'warning',
      text: 'Loki deals busy streams out to shards (shard_streams), and can then refuse lines behind a 204.',
      hint: 'Set shard_streams: { enabled: false } in limits_config there.',
    });
  }
  findings.push({
    level: 'ok',
    text: `It takes lines of up to ${longestBytes === 0 ? 'any length' : longest}, ${age(limit)}, and ${limit('ingestion_rate_mb')} MB a second, ${limit('per_stream_rate_limit')} of them in a stream.`,
  });
  return findings;
}

function age(limit: (name: string) => string): string {
  if (limit('reject_old_samples') !== 'true') return 'events of any age';
  return `events of up to ${limit('reject_old_samples_max_age')} ago`;
}

/** As Loki writes a size: `256KB`, which is 256 KiB, or a number. 0 is no limit, or none that could be read. */
function bytesOf(text: string): number {
  const [, amount = '0', unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)B?$/.exec(text) ?? [];
  return Math.floor(Number(amount) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit));
}
