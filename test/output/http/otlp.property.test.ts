import { isUtf8 } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventView } from '../../../src/event/event-view.ts';
import { requestBody } from '../../../src/output/http/encode.ts';
import { otlpFormat } from '../../../src/output/http/otlp.ts';
import type { Output } from '../../../src/output/output.ts';
import { auditLine, batchOf, wholePart } from '../support/batch.ts';

const format = otlpFormat({ cluster: 'prod "eu" é', node: 'cp-1' }, undefined);
const view = new EventView();
const encoder: Pick<Output, 'encode'> = {
  encode(_, line, item) {
    view.read(line.bytes, line.start, line.end);
    return format.encode(view, line, item);
  },
};

interface Sent {
  resourceLogs: { scopeLogs: { logRecords: { timeUnixNano: string; body: { stringValue: string } }[] }[] }[];
}

it('decodes to the very events, in one request that is valid JSON', () => {
  const text = fc.string({ unit: 'binary' });
  const noise = fc.option(fc.uint8Array({ minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, noise), { minLength: 1, maxLength: 4 }), fc.nat(2), (events, indent) => {
      const lines = events.map(([userAgent, bytes]) => {
        const json = JSON.parse(auditLine({ userAgent: `${userAgent}@@`, responseStatus: { code: 200 } })) as unknown;
        const line = Buffer.from(JSON.stringify(json, null, indent).replaceAll('\n', '\t'));
        const at = line.lastIndexOf('@@');
        const high = Buffer.from(bytes ?? []).map((byte) => byte | 0x80);
        return Buffer.concat([line.subarray(0, at), high, line.subarray(at + 2)]);
      });
      const batch = batchOf(encoder, lines);
      const body = requestBody(format.framed, wholePart(batch));
      expect(Buffer.from(body.toString()).equals(body)).toBe(true);
      const sent = JSON.parse(body.toString()) as Sent;
      const logRecords = sent.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [];
      expect(logRecords).toHaveLength(lines.length);
      for (const [item, line] of lines.entries()) {
        expect(format.eventBytes(batch, item).equals(line)).toBe(true);
        expect(logRecords[item]?.timeUnixNano).toBe('1795410264987123000');
        if (isUtf8(line)) expect(logRecords[item]?.body.stringValue).toBe(line.toString());
      }
    }),
  );
});

it('tells what one looks for as attributes', () => {
  const line = auditLine({ user: { username: 'eve' }, responseStatus: { code: 403 }, userAgent: '\ud800' });
  const [record = ''] = batchOf(encoder, [line]).bytes.toString().split(',"body":');
  const attributes = (JSON.parse(`${record}}`) as { attributes: { key: string; value: object }[] }).attributes;
  const values = Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
  expect(values).toMatchObject({
    'k8s.user.username': { stringValue: 'eve' },
    'k8s.audit.event.request.verb': { stringValue: 'list' },
    'k8s.audit.event.response.code': { intValue: '403' },
  });
  expect(Object.keys(values)).not.toContain('k8s.audit.event.user_agent');
});
