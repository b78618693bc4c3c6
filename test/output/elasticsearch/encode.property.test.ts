import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { bulkEncoder, bulkEventBytes } from '../../../src/output/elasticsearch/encode.ts';
import { targetOf } from '../../../src/output/elasticsearch/target.ts';
import { partBody } from '../../../src/output/part-body.ts';
import { batchOf, wholePart } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const target = targetOf(outputConfig('elasticsearch', { url: 'http://es:9200', index: 'audit-{yyyy.MM.dd}' }));
const when = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
const added = ['@timestamp', 'auditail'];

/** Any JSON object with a time in it, its members in any order, white space anywhere. */
const event = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 8 }), when, fc.constantFrom(0, 1), fc.nat(8))
  .map(([others, date, indent, place]) => {
    const members = Object.entries(others).filter(([key]) => ![...added, 'stageTimestamp'].includes(key));
    members.splice(place, 0, ['stageTimestamp', date.toISOString()]);
    return { line: JSON.stringify(Object.fromEntries(members), null, indent).replaceAll('\n', ' '), date };
  });

it('decodes to the very events, each with its day, its time and the id of its line', () => {
  const encode = bulkEncoder(target, { cluster: 'prod "eu" \u00e9\u{1f600}', node: 'cp-1' });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 6 }), (events) => {
      const batch = batchOf(
        { encode },
        events.map(({ line }) => line),
      );
      const body = partBody(wholePart(batch)).toString();
      expect(body.endsWith('\n')).toBe(true);
      const lines = body.slice(0, -1).split('\n');
      expect(lines).toHaveLength(events.length * 2);

      for (const [number, { line, date }] of events.entries()) {
        const digest = createHash('sha256').update(line).digest().subarray(0, 16);
        expect(JSON.parse(lines[number * 2] as string)).toEqual({
          create: {
            _index: `audit-${date.toISOString().slice(0, 10).replaceAll('-', '.')}`,
            _id: digest.toString('base64url'),
          },
        });
        const { auditail, '@timestamp': time, ...rest } = JSON.parse(lines[number * 2 + 1] as string);
        expect(auditail).toEqual({ cluster: 'prod "eu" \u00e9\u{1f600}', node: 'cp-1' });
        expect(time).toBe(date.toISOString());
        expect(rest).toEqual(JSON.parse(line));
        expect(bulkEventBytes(batch, number).toString()).toBe(line);
      }
    }),
  );
});
