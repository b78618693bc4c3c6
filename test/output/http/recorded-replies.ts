import type { Row } from '../support/contract.ts';
import { ALL, HTML, JSON_TYPE, page } from '../support/proxy-replies.ts';

/** The OpenTelemetry Collector, Splunk's collector and others. */
export const HTTP_ROWS: readonly Row[] = [
  { what: '200', reply: { status: 200, body: '{"text": "Success", "code": 0}' } },
  { what: '202 without a body', reply: { status: 202 } },
  { what: '204', reply: { status: 204 } },
  { what: '200 with a page of HTML', reply: { status: 200, headers: HTML, body: page('Thanks') } },
  {
    what: '400 in JSON (OpenTelemetry Collector)',
    reply: { status: 400, headers: JSON_TYPE, body: '{"code":3,"message":"http: request body too large"}' },
    again: [['suspect', ALL, 'http-400']],
    words: 'request body too large',
  },
  {
    what: '415',
    reply: { status: 415, body: '415 unsupported media type, supported: [application/json, application/x-protobuf]' },
    again: [['suspect', ALL, 'http-415']],
  },
  { what: '422', reply: { status: 422 }, again: [['suspect', ALL, 'http-422']] },
  {
    what: 'OTLP that is no JSON (OpenTelemetry Collector)',
    reply: { status: 400, headers: JSON_TYPE, body: '{"code":3,"message":"ReadObjectCB: expect { or n, but found x"}' },
    again: [['suspect', ALL, 'http-400']],
  },
  {
    what: '404 in plain text',
    reply: { status: 404, body: '404 page not found\n' },
    again: [['hold', ALL, 'http-404']],
  },
  {
    what: '405 in plain text',
    reply: { status: 405, body: '405 method not allowed\n' },
    again: [['hold', ALL, 'http-405']],
  },
  ...[
    [5, 'No data'],
    [6, 'Invalid data format'],
    [12, 'Event field is required'],
    [13, 'Event field cannot be blank'],
  ].map(
    ([code, said]): Row => ({
      what: `Splunk HEC: code ${code}, nothing stored`,
      reply: { status: 400, headers: JSON_TYPE, body: JSON.stringify({ text: said, code, 'invalid-event-number': 1 }) },
      again: [['suspect', ALL, 'http-400']],
      words: String(said),
    }),
  ),
  { what: 'VictoriaLogs: a line over its limit is dropped behind an empty 200', reply: { status: 200 } },
];
