import { describe, expect, it } from 'vitest';
import { answer, loki, ScriptedTransport } from './push-support.ts';

const FOREVER = new AbortController().signal;

/** A part of what Loki 3.7.8 shows of itself. */
function shown(changes: Readonly<Record<string, string>> = {}, sharding = 'true'): string {
  const limits = {
    ingestion_rate_mb: '4',
    reject_old_samples: 'true',
    reject_old_samples_max_age: '1w',
    max_line_size: '256KB',
    max_line_size_truncate: 'false',
    per_stream_rate_limit: '3MB',
    allow_structured_metadata: 'true',
    ...changes,
  };
  const lines = Object.entries(limits).map(([name, value]) => `  ${name}: ${value}`);
  const shards = [
    '  discover_service_name:',
    '  - service',
    '  shard_streams:',
    '    time_sharding_enabled: false',
    `    enabled: ${sharding}`,
  ];
  return [
    'target: all',
    'max_line_size: 9MB',
    'limits_config:',
    ...lines,
    ...shards,
    'frontend:',
    '  max_line_size: 1KB',
    '',
  ].join('\n');
}

/** What the probe says of a Loki that shows this of itself, beside what it says of any. */
async function said(reply: ReturnType<typeof answer>, settings = {}): Promise<readonly string[]> {
  const version = answer(200, '{"version":"3.7.8"}');
  const transport = new ScriptedTransport(answer(200, 'ready'), version, answer(422, 'no streams'), reply);
  const findings = await loki(transport, settings).probe(FOREVER);
  expect(findings.slice(0, 2).map(({ level }) => level)).toEqual(['ok', 'ok']);
  return findings.slice(2).map(({ level, text }) => `${level}: ${text}`);
}

describe('check --connect of Loki', () => {
  it('tells its limits, and what of them is bad for an audit trail', async () => {
    expect(await said(answer(200, shown()))).toEqual([
      'warning: Loki deals busy streams out to shards (shard_streams), and can then refuse lines behind a 204.',
      'ok: It takes lines of up to 256KB, events of up to 1w ago, and 4 MB a second, 3MB of them in a stream.',
    ]);
    const large = { max_line_size: '0', reject_old_samples: 'false' };
    expect(await said(answer(200, shown(large, 'false')), { maxLineBytes: '2Mi' })).toEqual([
      'ok: It takes lines of up to any length, events of any age, and 4 MB a second, 3MB of them in a stream.',
    ]);
  });

  it('finds a bound on lines that is lower than ours, a cut without a word, and metadata switched off', async () => {
    const bad = { max_line_size: '128KB', max_line_size_truncate: 'true', allow_structured_metadata: 'false' };
    expect((await said(answer(200, shown(bad, 'false')))).slice(0, 3)).toEqual([
      'warning: Loki cuts lines of more than 128KB off without a word (max_line_size_truncate).',
      'warning: Loki takes lines of up to 128KB (max_line_size); maxLineBytes is 262144, so longer ones are refused and set aside.',
      'error: Loki takes no structured metadata (allow_structured_metadata), in which stands what one looks for.',
    ]);
    expect(await said(answer(200, shown({ max_line_size: '262144' }, 'false')))).toHaveLength(1);
  });

  it.each([
    ['a gateway that hides it', answer(404, 'not found')],
    ['something else', answer(200, '<html>hello</html>')],
    ['nobody', answer(0)],
  ])('says nothing of limits where it is %s', async (_, reply) => {
    expect(await said(reply)).toEqual([]);
  });
});
