import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readEntry } from '../../../src/output/loki/entry.ts';
import { decodePush } from './decode-push.ts';
import { encoded, loki, ScriptedTransport, whole } from './push-support.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ minLength: 100, maxLength: 6000 }));
const event = fc.record(
  {
    level: fc.constantFrom('Metadata', 'Request', 'RequestResponse', 'None', '', 'metadata'),
    auditID: text,
    stage: text,
    verb: fc.oneof(text, fc.constant(null)),
    user: fc.record({ username: text }),
    objectRef: fc.record({ resource: text, namespace: text, name: text }, { requiredKeys: [] }),
    responseStatus: fc.record({ code: fc.nat(599) }, { requiredKeys: [] }),
    annotations: fc.record({ 'authorization.k8s.io/decision': text }),
    stageTimestamp: fc
      .tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.nat(999_999))
      .map(([s, us]) => `${new Date(s * 1000).toISOString().slice(0, 19)}.${String(us).padStart(6, '0')}Z`),
    requestObject: fc.jsonValue(),
  },
  { requiredKeys: ['stageTimestamp'] },
);

/** As the encoder does it: UTF-8 cut to 4 KiB at a character border. */
function bounded(value: string): string {
  let shown = '';
  let bytes = 0;
  for (const character of value.toWellFormed()) {
    bytes += Buffer.byteLength(character);
    if (bytes > 4096) break;
    shown += character;
  }
  return shown;
}

it('an independent reader of the wire format finds every event as it was, in its stream', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
      const transport = new ScriptedTransport();
      const output = loki(transport);
      const lines = events.map((value) => JSON.stringify(value));
      const { batch } = encoded(output, lines);
      await output.send(whole(batch), new AbortController().signal);
      const streams = transport.requests.flatMap(({ body }) => decodePush(body as Buffer));

      const levels = ['Metadata', 'Request', 'RequestResponse'];
      const labelsOf = (level = '') =>
        levels.includes(level) ? `{job="kube-audit", audit_level="${level}"}` : '{job="kube-audit"}';
      const seen = streams.flatMap(({ labels, entries }) => entries.map((entry) => ({ labels, entry })));
      expect(seen).toHaveLength(events.length);
      for (const [item, value] of events.entries()) {
        const labels = labelsOf(value.level);
        const place = seen.findIndex((found) => found.labels === labels && found.entry.line.toString() === lines[item]);
        const [{ entry }] = seen.splice(place, 1) as [(typeof seen)[number]];
        expect(place).not.toBe(-1);
        const [whole_, fraction] = value.stageTimestamp.slice(0, -1).split('.');
        expect(entry.timeNs).toBe(BigInt(Date.parse(`${whole_}Z`)) * 1_000_000n + BigInt(`${fraction}000`));
        const wanted: [string, string | null | undefined][] = [
          ['user', value.user?.username],
          ['verb', value.verb],
          ['resource', value.objectRef?.resource],
          ['namespace', value.objectRef?.namespace],
          ['name', value.objectRef?.name],
          ['auditID', value.auditID],
          ['stage', value.stage],
          ['code', value.responseStatus?.code?.toString()],
          ['decision', value.annotations?.['authorization.k8s.io/decision']],
        ];
        const expected = wanted.filter(([, field]) => field).map(([name, field]) => [name, bounded(field as string)]);
        expect(entry.metadata).toEqual(expected);
        expect(readEntry(batch, item)).toEqual({
          timeNs: entry.timeNs,
          lineBytes: entry.line.length,
          metadataBytes: Buffer.byteLength(expected.flat().join('')),
          metadataCount: expected.length,
        });
      }
    }),
    { numRuns: 200 },
  );
});
