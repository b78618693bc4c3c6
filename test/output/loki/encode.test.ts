import { describe, expect, it } from 'vitest';
import { readEntry } from '../../../src/output/loki/entry.ts';
import { auditLine } from '../support/batch.ts';
import { decodePush } from './decode-push.ts';
import { encoded, loki, ScriptedTransport, whole } from './push-support.ts';

const signal = new AbortController().signal;

/** What the receiver gets of the lines, stream by stream, and what `encode` said. */
async function pushed(lines: readonly (string | Buffer)[], settings: Readonly<Record<string, unknown>> = {}) {
  const transport = new ScriptedTransport();
  const output = loki(transport, settings, { cluster: 'prod' });
  const { batch, outcomes } = encoded(output, lines);
  const result = await output.send(whole(batch), signal);
  const streams = transport.requests.map((request) => decodePush(request.body as Buffer));
  return { output, transport, batch, outcomes, result, streams: streams.flat(), perRequest: streams };
}

/** An event of this time of the day, and by this name. */
function at(time: string): string {
  return auditLine({ auditID: time, stageTimestamp: `2026-11-23T${time}Z` });
}

describe('a push', () => {
  const full = auditLine({
    level: 'Request',
    user: { username: 'system:serviceaccount:kube-system:x' },
    objectRef: { resource: 'secrets', namespace: 'default', name: 'höhle-\u2603' },
    responseStatus: { metadata: {}, code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
    stageTimestamp: '2026-11-23T05:04:24.987123Z',
  });

  it('carries the line byte for byte, its time, and the fields to search by', async () => {
    const { streams, result, outcomes } = await pushed([full]);
    expect(outcomes).toEqual([null]);
    expect(result).toEqual({ rejected: [], again: [], duplicates: 0 });
    expect(streams).toEqual([
      {
        labels: '{job="kube-audit", cluster="prod", audit_level="Request"}',
        entries: [
          {
            timeNs: 1795410264987123000n,
            line: Buffer.from(full),
            metadata: [
              ['user', 'system:serviceaccount:kube-system:x'],
              ['verb', 'list'],
              ['resource', 'secrets'],
              ['namespace', 'default'],
              ['name', 'höhle-\u2603'],
              ['auditID', '5c8c6f5e-0000-4000-8000-000000000000'],
              ['stage', 'ResponseComplete'],
              ['code', '403'],
              ['decision', 'forbid'],
            ],
          },
        ],
      },
    ]);
  });

  it('holds one stream only, as Loki hides what it refused of all streams but the last', async () => {
    const levels = ['Metadata', 'Request', 'Metadata', 'RequestResponse', 'Odd', 'Metadata'];
    const { perRequest } = await pushed(levels.map((level, number) => auditLine({ level, auditID: `${number}` })));
    expect(
      perRequest.map((streams) =>
        streams.map(({ labels, entries }) => [labels, entries.map(({ line }) => JSON.parse(line.toString()).auditID)]),
      ),
    ).toEqual([
      [['{job="kube-audit", cluster="prod", audit_level="Metadata"}', ['0', '2', '5']]],
      [['{job="kube-audit", cluster="prod", audit_level="Request"}', ['1']]],
      [['{job="kube-audit", cluster="prod", audit_level="RequestResponse"}', ['3']]],
      [['{job="kube-audit", cluster="prod"}', ['4']]],
    ]);
  });

  it('holds an entry alone that comes late: shards of a busy stream hide refusals too', async () => {
    const transport = new ScriptedTransport();
    const output = loki(transport);
    const { batch } = encoded(
      output,
      ['05:00:00', '05:00:30', '04:55:00', '04:50:29', '04:00:00', '05:20:00', '05:00:31'].map(at),
    );
    await output.send({ batch, items: [0, 1] }, signal);
    await output.send({ batch, items: [2, 3, 4, 5, 6] }, signal);
    expect(
      transport.requests.map(({ body }) =>
        decodePush(body as Buffer).flatMap(({ entries }) => entries.map(({ line }) => JSON.parse(`${line}`).auditID)),
      ),
    ).toEqual([['05:00:00', '05:00:30'], ['04:55:00', '05:20:00', '05:00:31'], ['04:50:29'], ['04:00:00']]);
  });

  it('asks nobody a second time where nobody answers', async () => {
    const dead = { status: 0, headers: {}, body: Buffer.alloc(0), complete: false, reason: 'refused', words: 'no' };
    const transport = new ScriptedTransport(dead);
    const output = loki(transport);
    const { batch } = encoded(output, [auditLine(), auditLine({ level: 'Request' }), auditLine()]);
    const { again } = await output.send(whole(batch), signal);
    expect(transport.requests).toHaveLength(1);
    expect(again.map(({ how, items, reason }) => [how, items, reason])).toEqual([
      ['retry', [0, 2], 'refused'],
      ['retry', [1], 'refused'],
    ]);
  });

  it('cuts a long value at 4 KiB, at a character border', async () => {
    const { streams } = await pushed([
      auditLine({ verb: `a${'é'.repeat(4000)}`, user: { username: 'x'.repeat(5000) } }),
    ]);
    const metadata = new Map(streams[0]?.entries[0]?.metadata);
    expect(metadata.get('verb')).toBe(`a${'é'.repeat(2047)}`);
    expect(metadata.get('user')).toBe('x'.repeat(4096));
  });

  it('passes invalid UTF-8 in the line, and replaces it in structured metadata', async () => {
    const line = Buffer.from(auditLine({ verb: 'g?t' }));
    line[line.indexOf('g?t') + 1] = 0xff;
    const { streams } = await pushed([line]);
    expect(streams[0]?.entries[0]?.line).toEqual(line);
    expect(new Map(streams[0]?.entries[0]?.metadata).get('verb')).toBe('g\ufffdt');
  });

  it('decodes escapes for structured metadata, lone surrogates too', async () => {
    const { streams } = await pushed([auditLine().replace('"list"', '"l\\u0069\\ud800"')]);
    expect(new Map(streams[0]?.entries[0]?.metadata).get('verb')).toBe('li\ufffd');
  });

  it('sends a line of the limit whole, and one byte more without its response', async () => {
    const line = auditLine({ responseObject: 'x'.repeat(2000) });
    const exact = await pushed([line], { maxLineBytes: line.length });
    expect(exact.outcomes).toEqual([null]);
    expect(exact.streams[0]?.entries[0]?.line.toString()).toBe(line);

    const short = await pushed([line], { maxLineBytes: line.length - 1 });
    expect(short.outcomes).toEqual([{ reduced: 'responseObject' }]);
    const sent = short.streams[0]?.entries[0]?.line as Buffer;
    expect(sent.toString()).toBe(auditLine({ annotations: { 'auditail.io/truncated': 'responseObject' } }));
    expect(short.output.eventBytes(short.batch, 0)).toEqual(sent);
  });

  it('refuses a line that is too long whatever is cut, and one without a time, and one before 1970', async () => {
    const { outcomes, batch } = await pushed(
      [
        auditLine({ annotations: { note: 'x'.repeat(2000) } }),
        auditLine({ stageTimestamp: undefined }),
        auditLine({ stageTimestamp: '1969-12-31T23:59:59Z' }),
        auditLine(),
      ],
      { maxLineBytes: 1000 },
    );
    expect(outcomes.map((outcome) => (outcome !== null && 'reason' in outcome ? outcome.reason : outcome))).toEqual([
      'line-too-long',
      'no-timestamp',
      'time-out-of-range',
      null,
    ]);
    expect(batch.count).toBe(1);
  });

  it('reads an item back as Loki measures it', () => {
    const { batch } = encoded(loki(new ScriptedTransport()), [auditLine(), full]);
    expect(readEntry(batch, 1)).toEqual({
      timeNs: 1795410264987123000n,
      lineBytes: Buffer.byteLength(full),
      metadataBytes:
        Buffer.byteLength('userverbresourcenamespacenameauditIDstagecodedecision') +
        Buffer.byteLength(
          'system:serviceaccount:kube-system:xlistsecretsdefaulthöhle-\u26035c8c6f5e-0000-4000-8000-000000000000ResponseComplete403forbid',
        ),
      metadataCount: 9,
    });
  });
});

describe('the destination', () => {
  it('is the endpoint, the labels and the tenant, and never what a reference refers to', () => {
    const transport = new ScriptedTransport();
    expect(loki(transport, { url: 'http://loki:3100/prefix/?token=x' }, { node: 'n' }).destination).toBe(
      'loki http://loki:3100/prefix {job="kube-audit", node="n"}',
    );
    expect(loki(transport, { tenant: 'team-a' }).destination).toBe(
      'loki http://loki:3100 {job="kube-audit"} tenant team-a',
    );
    expect(loki(transport, { tenant: { env: 'T' } }).destination).toBe(
      'loki http://loki:3100 {job="kube-audit"} tenant {"env":"T"}',
    );
  });
});
