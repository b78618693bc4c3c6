import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contentId } from '../../../src/output/elasticsearch/content-id.ts';
import { bulkEncoder, bulkEventBytes } from '../../../src/output/elasticsearch/encode.ts';
import { targetOf } from '../../../src/output/elasticsearch/target.ts';
import type { Metadata } from '../../../src/output/metadata.ts';
import type { Refusal } from '../../../src/output/output.ts';
import { auditLine, batchOf } from '../support/batch.ts';
import { outputConfig } from '../support/network-output.ts';

const URL_OF_NOBODY = 'http://es:9200';

function encoderInto(settings: Readonly<Record<string, unknown>>, metadata: Metadata = {}) {
  return {
    encode: bulkEncoder(targetOf(outputConfig('elasticsearch', { url: URL_OF_NOBODY, ...settings })), metadata),
  };
}

function indexOf(line: string, index: string): string {
  return JSON.parse(batchOf(encoderInto({ index }), [line]).bytes.toString().split('\n')[0] as string).create._index;
}

describe('an item of _bulk', () => {
  it('looks like this', () => {
    const line = '{"kind":"Event","stageTimestamp":"2026-11-23T05:04:24.987123Z"}';
    const batch = batchOf(encoderInto({ dataStream: 'logs-audit-default' }, { cluster: 'prod' }), [line]);
    expect(batch.bytes.toString()).toBe(
      '{"create":{"_index":"logs-audit-default","_id":"cVDeveloDQjvVcnNmFmouA"}}\n' +
        '{"auditail":{"cluster":"prod"},"@timestamp":"2026-11-23T05:04:24.987123Z","kind":"Event","stageTimestamp":"2026-11-23T05:04:24.987123Z"}\n',
    );
    expect(bulkEventBytes(batch, 0).toString()).toBe(line);
  });

  it('keeps bytes that are no UTF-8', () => {
    const line = Buffer.from(auditLine({ x: '?' }).replace('"?"', '"\u00ff"'), 'latin1');
    const batch = batchOf(encoderInto({}), [line]);
    expect(bulkEventBytes(batch, 0).equals(line)).toBe(true);
  });

  it('leaves a @timestamp alone that the event has itself', () => {
    const batch = batchOf(encoderInto({}), [auditLine({ '@timestamp': '2020-01-01T00:00:00Z' })]);
    expect(batch.bytes.toString().match(/@timestamp/g)).toHaveLength(1);
    expect(JSON.parse(batch.bytes.toString().split('\n')[1] as string)['@timestamp']).toBe('2020-01-01T00:00:00Z');
  });

  it('takes the time at which the request came where the event has no other', () => {
    const batch = batchOf(encoderInto({}), ['{"requestReceivedTimestamp":"2026-01-02T03:04:05.000006Z"}']);
    expect(JSON.parse(batch.bytes.toString().split('\n')[1] as string)['@timestamp']).toBe(
      '2026-01-02T03:04:05.000006Z',
    );
  });

  it('is refused where a filter took the time away', () => {
    const refusals: Refusal[] = [];
    expect(batchOf(encoderInto({}), ['{"kind":"Event"}'], refusals).count).toBe(0);
    expect(refusals[0]?.reason).toBe('no-timestamp');
  });
});

describe('the id', () => {
  it('rests on every byte of the raw line and on nothing else', () => {
    const line = Buffer.from(auditLine());
    const other = Buffer.from(line);
    other[line.length - 5] = (other[line.length - 5] as number) ^ 1;
    const id = contentId({ bytes: line, start: 0, end: line.length });
    const shifted = Buffer.concat([Buffer.from('zz'), line]);
    expect(contentId({ bytes: shifted, start: 2, end: shifted.length })).toBe(id);
    expect(contentId({ bytes: other, start: 0, end: line.length })).not.toBe(id);
    expect(contentId({ bytes: line, start: 0, end: line.length - 1 })).not.toBe(id);
  });

  it('is the same when a filter cut the event', () => {
    const raw = Buffer.from(auditLine({ secret: 'x' }));
    const ids = [auditLine({ secret: 'x' }), auditLine()].map((edited) => {
      const { encode } = encoderInto({});
      const batch = batchOf(
        { encode: (event, _, item) => encode(event, { bytes: raw, start: 0, end: raw.length }, item) },
        [edited],
      );
      return JSON.parse(batch.bytes.toString().split('\n')[0] as string).create._id as string;
    });
    expect(ids[0]).toBe(ids[1]);
  });

  it('differs for all recorded events, and is proper base64url', () => {
    const lines = readFileSync(new URL('../../fixtures/events.log', import.meta.url), 'latin1')
      .trimEnd()
      .split('\n');
    const ids = lines.map((line) => {
      const bytes = Buffer.from(line, 'latin1');
      return contentId({ bytes, start: 0, end: bytes.length });
    });
    expect(new Set(ids).size).toBe(new Set(lines).size);
    for (const id of ids) expect(Buffer.from(id, 'base64url').toString('base64url')).toBe(id);
  });
});

describe('the index', () => {
  it('follows the day of the event in UTC', () => {
    const days = ['2026-11-23T23:59:59.999999Z', '2026-11-24T00:00:00.000000Z', '2027-01-01T00:00:00Z'];
    expect(days.map((stageTimestamp) => indexOf(auditLine({ stageTimestamp }), 'audit-{yyyy.MM.dd}'))).toEqual([
      'audit-2026.11.23',
      'audit-2026.11.24',
      'audit-2027.01.01',
    ]);
  });

  it('follows UTC also where the time is written with another zone', () => {
    expect(indexOf(auditLine({ stageTimestamp: '2026-11-24T01:30:00+02:00' }), 'audit-{yyyy.MM.dd}')).toBe(
      'audit-2026.11.23',
    );
  });

  it('changes its day back and forth with the events of a batch', () => {
    const lines = ['23', '24', '23'].map((day) => auditLine({ stageTimestamp: `2026-11-${day}T05:00:00Z` }));
    const body = batchOf(encoderInto({}), lines).bytes.toString().split('\n');
    expect([0, 2, 4].map((at) => JSON.parse(body[at] as string).create._index)).toEqual([
      'audit-2026.11.23',
      'audit-2026.11.24',
      'audit-2026.11.23',
    ]);
  });

  it.each([
    ['audit', 'audit'],
    ['audit-{yyyy-MM}', 'audit-2026-11'],
    ['{yyyy}-a-{MM}{dd}', '2026-a-1123'],
    ['prüfung-{dd}', 'prüfung-23'],
  ])('%s becomes %s', (pattern, expected) => {
    expect(indexOf(auditLine(), pattern)).toBe(expected);
  });

  it.each([
    { index: 'audit-{week}' },
    { index: 'audit-{yyyy' },
    { dataStream: 'audit-{yyyy}' },
    { index: 'a', dataStream: 'b' },
  ])('is refused at the start as %j', (settings) => {
    expect(() => encoderInto(settings)).toThrow(expect.objectContaining({ code: 'AUD_CONFIG' }));
  });
});
