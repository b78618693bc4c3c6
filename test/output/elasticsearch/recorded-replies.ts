import type { Row } from '../support/contract.ts';
import { ALL, HTML, JSON_TYPE, page } from '../support/proxy-replies.ts';

function items(...answers: readonly unknown[]): string {
  return JSON.stringify({ took: 3, errors: true, items: answers.map((answer) => ({ create: answer })) });
}

const STORED = { status: 201 };

function refused(status: number, type: string, reason: string) {
  return { status, error: { type, reason } };
}

function fiveTimes(answer: unknown): Row['reply'] {
  return { status: 200, headers: JSON_TYPE, body: items(answer, answer, answer, answer, answer) };
}

function oneAmongFour(answer: unknown): Row['reply'] {
  return { status: 200, headers: JSON_TYPE, body: items(STORED, STORED, answer, STORED, STORED) };
}

const PARSING = 'document_parsing_exception';
const ARGUMENT = 'illegal_argument_exception';

/** What a server says of one document that it will never take: type and reason. */
const PERMANENT: readonly (readonly [what: string, type: string, reason: string])[] = [
  ['`index` on a data stream', ARGUMENT, 'only write ops with an op_type of create are allowed in data streams'],
  ['no @timestamp', PARSING, '[1:3] failed to parse: data stream timestamp field [@timestamp] is missing'],
  ['two of @timestamp', ARGUMENT, 'data stream timestamp field [@timestamp] encountered multiple values'],
  [
    'no @timestamp (OpenSearch)',
    'mapper_parsing_exception',
    "documents must contain a single-valued timestamp field '@timestamp' of date type",
  ],
  ['too many fields', PARSING, 'Limit of total fields [1000] has been exceeded while adding new fields [3]'],
  [
    'an object where text is mapped',
    PARSING,
    'object mapping for [responseObject.status] tried to parse field [status] as object, but found a concrete value',
  ],
  [
    'a label and a label below it',
    PARSING,
    "failed to parse field [labels.app] of type [text] in document with id 'A1'. Preview of field's value: '{kubernetes.io/name=x}'",
  ],
  ['both in one document', ARGUMENT, "can't merge a non object mapping [l2.app] with an object mapping"],
  ['a key that is a dot', PARSING, 'field name cannot contain only dots'],
  ['a key that is empty', PARSING, 'field name cannot be an empty string'],
  ['a metadata field', PARSING, 'Field [_id] is a metadata field and cannot be added inside a document.'],
  [
    'a value too long in flat_object, where there is no such body (OpenSearch)',
    ARGUMENT,
    'Document contains at least one immense term in field="requestObject._value" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped. The prefix of the first immense term is: \'[97]...\'',
  ],
  [
    'a value too long in flattened, where there is no such body',
    ARGUMENT,
    'Flattened field [requestObject] contains one immense field whose keyed encoding is longer than the allowed max length of 32766 bytes. Key length: 4, value length: 40000 for key starting with [data]',
  ],
  ['a mapping too deep', ARGUMENT, 'Limit of mapping depth [20] has been exceeded due to object field [a.b]'],
  [
    'an integer out of range',
    PARSING,
    'failed to parse field [i] of type [integer]: Value [2147483648] is out of range of int',
  ],
  ['a document that is cut off', PARSING, 'Unexpected end-of-input: expected close marker for Object'],
  ['a key that stands twice', PARSING, "[1:20] Duplicate field 'm'"],
  [
    'a key named like an order to wait',
    PARSING,
    "[1:20] Duplicate field 'maximum shards open; unsupported path requested: '",
  ],
  [
    'a key named like an order to wait (OpenSearch)',
    'mapper_parsing_exception',
    'failed to parse field [requestObject] of type [flat_object]: pipeline with id [x] does not exist, no write index is defined for alias',
  ],
  ['bytes that are no UTF-8', PARSING, '[1:8] Invalid UTF-8 start byte 0xff'],
  [
    'a control character',
    PARSING,
    'Illegal unquoted character ((CTRL-CHAR, code 1)): has to be escaped using backslash',
  ],
  ['an empty _id', ARGUMENT, 'if _id is specified it must not be empty'],
];

const WHOLE: readonly (readonly [what: string, type: string, reason: string])[] = [
  [
    'no newline at the end, or a gzip that is cut short',
    ARGUMENT,
    'The bulk request must be terminated by a newline [\\n]',
  ],
  ['no body', 'parse_exception', 'request body is required'],
  ['no items', 'action_request_validation_exception', 'Validation Failed: 1: no requests added;'],
  [
    'an _id over 512 bytes',
    'action_request_validation_exception',
    'Validation Failed: 1: id [x] is too long, must be no longer than 512 bytes but was: 513;',
  ],
];

/** Answers of Elasticsearch 7.17, 8.19 and 9.2, OpenSearch 2.19 and VictoriaLogs 1.121, as recorded. */
export const BULK_ROWS: readonly Row[] = [
  {
    what: 'all stored (Elasticsearch: errors first)',
    reply: {
      status: 200,
      headers: JSON_TYPE,
      body: '{"errors":false,"took":12,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}',
    },
  },
  {
    what: 'all stored (OpenSearch: took first)',
    reply: {
      status: 200,
      headers: JSON_TYPE,
      body: '{"took":12,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}',
    },
  },
  {
    what: 'all stored (pretty printed by something in between)',
    reply: {
      status: 200,
      body: JSON.stringify(
        { took: 1, errors: false, items: Array.from({ length: 5 }, () => ({ create: STORED })) },
        null,
        2,
      ),
    },
  },
  {
    what: 'all stored before',
    reply: fiveTimes(
      refused(
        409,
        'version_conflict_engine_exception',
        '[A1]: version conflict, document already exists (current version [1])',
      ),
    ),
    duplicates: 5,
  },
  {
    what: 'a bad date in a mapped field (Elasticsearch 8)',
    reply: oneAmongFour(
      refused(
        400,
        'document_parsing_exception',
        "[1:95] failed to parse field [requestReceivedTimestamp] of type [date] in document with id 'A1'. Preview of field's value: 'top secret'",
      ),
    ),
    rejected: [[2, 'document_parsing_exception']],
    words: /failed to parse field \[requestReceivedTimestamp\] of type \[date\] in document with id 'A1'$/,
  },
  {
    what: 'a bad date in a mapped field (OpenSearch, Elasticsearch 7)',
    reply: oneAmongFour(
      refused(
        400,
        'mapper_parsing_exception',
        "failed to parse field [d] of type [date] in document with id 'A1'. Preview of field's value: 'x'",
      ),
    ),
    rejected: [[2, 'mapper_parsing_exception']],
  },
  {
    what: 'too many fields (OpenSearch)',
    reply: oneAmongFour(refused(400, 'illegal_argument_exception', 'Limit of total fields [1000] has been exceeded')),
    rejected: [[2, 'illegal_argument_exception']],
  },
  {
    what: 'an immense term',
    reply: oneAmongFour(
      refused(
        400,
        'document_parsing_exception',
        'Document contains at least one immense term in field="kw" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped. Please correct the analyzer to not produce such terms. The prefix of the first immense term is: \'[97, 97, 97]...\', original message: bytes can be at most 32766 in length; got 40000',
      ),
    ),
    rejected: [[2, 'document_parsing_exception']],
    words: /The prefix of the first immense term is: …$/,
  },
  {
    what: 'the write queue is full: one item',
    reply: oneAmongFour(refused(429, 'es_rejected_execution_exception', 'rejected execution of …')),
    again: [['retry', [2], 'es_rejected_execution_exception']],
  },
  {
    what: 'the write queue is full: all items (OpenSearch)',
    reply: fiveTimes(refused(429, 'rejected_execution_exception', 'rejected execution of …')),
    again: [['retry', ALL, 'rejected_execution_exception']],
  },
  {
    what: 'the disk is full to the flood stage',
    reply: fiveTimes(
      refused(
        429,
        'cluster_block_exception',
        'index [audit] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];',
      ),
    ),
    again: [['retry', ALL, 'cluster_block_exception']],
  },
  {
    what: 'a shard is not there',
    reply: oneAmongFour(refused(503, 'unavailable_shards_exception', '[audit][0] primary shard is not active')),
    again: [['retry', [2], 'unavailable_shards_exception']],
  },
  {
    what: 'blocked for writing: hold',
    reply: fiveTimes(
      refused(403, 'cluster_block_exception', 'index [audit] blocked by: [FORBIDDEN/8/index write (api)];'),
    ),
    again: [['hold', ALL, 'cluster_block_exception']],
  },
  {
    what: 'closed index: hold',
    reply: fiveTimes(refused(400, 'index_closed_exception', 'closed')),
    again: [['hold', ALL, 'index_closed_exception']],
  },
  {
    what: 'no such index, and none is created: hold',
    reply: fiveTimes(
      refused(404, 'index_not_found_exception', 'no such index [audit] and [action.auto_create_index] is [false]'),
    ),
    again: [['hold', ALL, 'index_not_found_exception']],
  },
  {
    what: 'missing pipeline: hold',
    reply: fiveTimes(refused(400, 'illegal_argument_exception', 'pipeline with id [nope] does not exist')),
    again: [['hold', ALL, 'illegal_argument_exception']],
  },
  {
    what: 'bad name of an index: hold',
    reply: fiveTimes(refused(400, 'invalid_index_name_exception', 'Invalid index name [Audit], must be lowercase')),
    again: [['hold', ALL, 'invalid_index_name_exception']],
  },
  {
    what: 'an alias without a write index: hold',
    reply: fiveTimes(
      refused(
        400,
        'illegal_argument_exception',
        'no write index is defined for alias [audit]. The write index may be explicitly disabled',
      ),
    ),
    again: [['hold', ALL, 'illegal_argument_exception']],
  },
  {
    what: 'no room for more shards: hold',
    reply: fiveTimes(
      refused(
        400,
        'validation_exception',
        'Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;',
      ),
    ),
    again: [['hold', ALL, 'validation_exception']],
  },
  {
    what: 'the key may not write there: hold',
    reply: oneAmongFour(
      refused(
        403,
        'security_exception',
        'action [indices:data/write/bulk[s]] is unauthorized for API key id [x] of user [y] on indices [audit]',
      ),
    ),
    again: [['hold', [2], 'security_exception']],
  },
  {
    what: 'some of everything',
    reply: {
      status: 200,
      body: items(
        STORED,
        refused(409, 'version_conflict_engine_exception', 'x'),
        refused(400, 'mapper_parsing_exception', 'y'),
        refused(429, 'es_rejected_execution_exception', 'z'),
        refused(403, 'security_exception', 'w'),
      ),
    },
    duplicates: 1,
    rejected: [[2, 'mapper_parsing_exception']],
    again: [
      ['retry', [3], 'es_rejected_execution_exception'],
      ['hold', [4], 'security_exception'],
    ],
  },
  {
    what: 'fewer items than were sent',
    reply: {
      status: 200,
      body: '{"took":1,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}',
    },
    again: [['suspect', ALL, 'short-answer']],
    words: '2 items; 5 were sent',
  },
  {
    what: 'more items than were sent',
    reply: { status: 200, body: items(...Array.from({ length: 6 }, () => STORED)) },
    again: [['suspect', ALL, 'nonsense-answer']],
  },
  {
    what: 'errors is false, but one status is not',
    reply: {
      status: 200,
      body: '{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":429}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}',
    },
    again: [['retry', [1], 'http-429']],
  },
  {
    what: 'an empty 200 (VictoriaLogs: one document spoilt the rest)',
    reply: { status: 200 },
    again: [['suspect', ALL, 'short-answer']],
  },
  {
    what: 'a login page with 200',
    reply: { status: 200, headers: HTML, body: page('Please log in') },
    again: [['suspect', ALL, 'nonsense-answer']],
    words: 'Please log in',
  },
  {
    what: 'a 200 that ends in the middle of its JSON',
    reply: {
      status: 200,
      body: '{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}',
    },
    again: [['suspect', ALL, 'nonsense-answer']],
  },
  {
    what: 'over indexing pressure: the whole request',
    reply: {
      status: 429,
      headers: JSON_TYPE,
      body: '{"error":{"root_cause":[],"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}',
    },
    again: [['retry', ALL, 'es_rejected_execution_exception']],
    words: 'es_rejected_execution_exception: rejected execution of coordinating operation',
  },
  {
    what: 'an action line that is broken',
    reply: {
      status: 400,
      headers: JSON_TYPE,
      body: '{"error":{"type":"illegal_argument_exception","reason":"Malformed action/metadata line [1], expected START_OBJECT but found [VALUE_STRING]"},"status":400}',
    },
    again: [['suspect', ALL, 'illegal_argument_exception']],
  },
  {
    what: 'no or a wrong key: hold',
    reply: {
      status: 401,
      headers: { ...JSON_TYPE, 'www-authenticate': 'ApiKey' },
      body: '{"error":{"type":"security_exception","reason":"missing authentication credentials for REST request [/_bulk]"},"status":401}',
    },
    again: [['hold', ALL, 'security_exception']],
  },
  {
    what: 'a media type that is not taken: hold',
    reply: {
      status: 406,
      headers: JSON_TYPE,
      body: '{"error":"Content-Type header [] is not supported","status":406}',
    },
    again: [['hold', ALL, 'http-406']],
    words: 'Content-Type header [] is not supported',
  },
  {
    what: 'no room for more shards (Elasticsearch 7): hold',
    reply: fiveTimes(
      refused(
        400,
        'validation_exception',
        'Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;',
      ),
    ),
    again: [['hold', ALL, 'validation_exception']],
  },
  {
    what: 'a path that VictoriaLogs does not know: hold',
    reply: {
      status: 400,
      body: 'remoteAddr: "127.0.0.1:33174"; requestURI: /insert/elasticsearch/IDX/_bulk?filter_path=took; unsupported path requested: "/insert/elasticsearch/IDX/_bulk"',
    },
    again: [['hold', ALL, 'http-400']],
  },
  ...PERMANENT.map(
    ([what, type, reason]): Row => ({
      what,
      reply: oneAmongFour(refused(400, type, reason)),
      rejected: [[2, type]],
    }),
  ),
  ...WHOLE.map(
    ([what, type, reason]): Row => ({
      what: `${what}: the whole request`,
      reply: { status: 400, headers: JSON_TYPE, body: JSON.stringify({ error: { type, reason }, status: 400 }) },
      again: [['suspect', ALL, type]],
    }),
  ),
  {
    what: 'the write queue is full: the whole request (OpenSearch)',
    reply: {
      status: 429,
      headers: JSON_TYPE,
      body: '{"error":{"type":"rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}',
    },
    again: [['retry', ALL, 'rejected_execution_exception']],
  },
  {
    what: 'a body over http.max_content_length: 413 without a body',
    reply: { status: 413, headers: { connection: 'close' } },
    again: [['split', ALL, 'too-large']],
  },
  {
    what: 'an expired key: hold',
    reply: {
      status: 401,
      headers: { ...JSON_TYPE, 'www-authenticate': 'ApiKey' },
      body: '{"error":{"type":"security_exception","reason":"api key is expired"},"status":401}',
    },
    again: [['hold', ALL, 'security_exception']],
    words: 'api key is expired',
  },
];
