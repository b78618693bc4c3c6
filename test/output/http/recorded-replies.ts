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
];
