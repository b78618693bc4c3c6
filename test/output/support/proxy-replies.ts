import type { Row } from './contract.ts';

/** The five events of a row. */
export const ALL = [0, 1, 2, 3, 4];
export const HTML = { 'content-type': 'text/html' };
export const JSON_TYPE = { 'content-type': 'application/json' };

/** An error page as nginx makes it. */
export function page(title: string): string {
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n`;
}

/** What proxies put in front of any receiver (nginx 1.22.1), and what a receiver of any kind may say. */
export const PROXY_ROWS: readonly Row[] = [
  {
    what: 'nginx 413: split',
    reply: { status: 413, headers: HTML, body: page('413 Request Entity Too Large') },
    again: [['split', ALL, 'too-large']],
    words: '413 Request Entity Too Large',
  },
  {
    what: 'nginx 413 to a single event: set aside',
    events: 1,
    reply: { status: 413, headers: HTML, body: page('413 Request Entity Too Large') },
    rejected: [[0, 'too-large']],
  },
  {
    what: '413 without a body: split',
    reply: { status: 413, headers: { connection: 'close' } },
    again: [['split', ALL, 'too-large']],
  },
  {
    what: 'nginx limit_req, without Retry-After',
    reply: { status: 429, headers: HTML, body: page('429 Too Many Requests') },
    again: [['retry', ALL, 'http-429']],
  },
  {
    what: '429 with Retry-After in seconds',
    reply: { status: 429, headers: { 'retry-after': '7' } },
    again: [['retry', ALL, 'http-429']],
    retryAfterMs: 7000,
  },
  {
    what: '503 with a Retry-After that is past',
    reply: { status: 503, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } },
    again: [['retry', ALL, 'http-503']],
    retryAfterMs: 0,
  },
  {
    what: 'nginx 502',
    reply: { status: 502, headers: HTML, body: page('502 Bad Gateway') },
    again: [['retry', ALL, 'http-502']],
    words: '502 Bad Gateway nginx/1.22.1',
  },
  {
    what: 'nginx 504',
    reply: { status: 504, headers: HTML, body: page('504 Gateway Time-out') },
    again: [['retry', ALL, 'http-504']],
  },
  { what: '500 with nothing to say', reply: { status: 500 }, again: [['retry', ALL, 'http-500']] },
  { what: '408', reply: { status: 408 }, again: [['retry', ALL, 'http-408']] },
  { what: '425', reply: { status: 425 }, again: [['retry', ALL, 'http-425']] },
  {
    what: 'nginx 401: hold',
    reply: { status: 401, headers: HTML, body: page('401 Authorization Required') },
    again: [['hold', ALL, 'http-401']],
    words: '401 Authorization Required',
  },
  {
    what: 'nginx 403, no client certificate: hold',
    reply: { status: 403, headers: HTML, body: page('403 Forbidden') },
    again: [['hold', ALL, 'http-403']],
  },
  {
    what: '404 of a wrong path: hold',
    reply: { status: 404, body: '404 page not found\n' },
    again: [['hold', ALL, 'http-404']],
    words: '404 page not found',
  },
  { what: '405: hold', reply: { status: 405 }, again: [['hold', ALL, 'http-405']] },
  { what: '407 of a proxy: hold', reply: { status: 407 }, again: [['hold', ALL, 'http-407']] },
  {
    what: 'nginx 307 is not followed: hold',
    reply: {
      status: 307,
      headers: { ...HTML, location: 'https://elsewhere.example/x' },
      body: page('307 Temporary Redirect'),
    },
    again: [['hold', ALL, 'http-307']],
    words: 'redirected to https://elsewhere.example/x',
  },
  {
    what: '301 to a login page: hold',
    reply: { status: 301, headers: { location: '/login' } },
    again: [['hold', ALL, 'http-301']],
  },
  {
    what: '400 of a proxy may be the fault of one event',
    reply: { status: 400, headers: HTML, body: page('400 Bad Request') },
    again: [['suspect', ALL, 'http-400']],
  },
];
