import type { ServerKind } from '../server.ts';

/** A piece of a mapping, as the mapping API takes it. */
export type Mapping = Readonly<Record<string, unknown>>;

/**
 * Longer text is kept but not searchable: Lucene takes terms of 32,766 bytes, and a character of UTF-16 is three bytes at most. The same
 * bound leaves room for the key that stands before each value of a `flattened` field.
 */
const MAX_TERM = 8191;

const KEYWORD = { type: 'keyword', ignore_above: MAX_TERM };
const DATE = { type: 'date_nanos', ignore_malformed: true };

/** For what clients write themselves: every leaf a keyword under one field, so that no two events can exclude each other. */
export function anyObject(kind: ServerKind): Mapping {
  if (kind === 'opensearch') return { type: 'flat_object' };
  return { type: 'flattened', ignore_above: MAX_TERM, depth_limit: MAX_DEPTH };
}

/** Of `flattened`, 20 where nothing is said; the schemas inside of CRDs are deeper. */
const MAX_DEPTH = 200;

/** What this agent adds to an event (see encode.ts). */
export const ADDED: Mapping = {
  properties: {
    cluster: KEYWORD,
    node: KEYWORD,
    source: KEYWORD,
    unindexed: KEYWORD,
    invalidUtf8: {
      properties: { count: { type: 'long' }, at: { type: 'keyword', index: false, doc_values: false } },
    },
  },
};

/**
 * The mapping for events as they are (k8s.io/apiserver/pkg/apis/audit/v1/types.go): the fields that an auditor asks for by name, each with
 * a type of its own; the bodies, the annotations and what an authenticator adds to a user as one field each. Anything else is kept and not
 * searchable, so that no event can add a field. With plain dynamic mapping 27 % of a real trail was refused.
 */
export function nativeMapping(kind: ServerKind): Mapping {
  const body = anyObject(kind);
  return {
    dynamic: 'false',
    properties: {
      '@timestamp': { type: 'date' },
      auditail: ADDED,
      kind: KEYWORD,
      apiVersion: KEYWORD,
      level: KEYWORD,
      auditID: KEYWORD,
      stage: KEYWORD,
      requestURI: KEYWORD,
      verb: KEYWORD,
      user: user(kind),
      impersonatedUser: user(kind),
      authenticationMetadata: { properties: { impersonationConstraint: KEYWORD } },
      sourceIPs: { type: 'ip', ignore_malformed: true },
      userAgent: KEYWORD,
      objectRef: {
        properties: {
          resource: KEYWORD,
          namespace: KEYWORD,
          name: KEYWORD,
          uid: KEYWORD,
          apiGroup: KEYWORD,
          apiVersion: KEYWORD,
          resourceVersion: KEYWORD,
          subresource: KEYWORD,
        },
      },
      responseStatus: {
        properties: {
          code: { type: 'long', ignore_malformed: true },
          status: KEYWORD,
          reason: KEYWORD,
          message: { type: 'text' },
        },
      },
      requestObject: body,
      responseObject: body,
      annotations: body,
      requestReceivedTimestamp: DATE,
      stageTimestamp: DATE,
    },
  };
}

function user(kind: ServerKind): Mapping {
  return { properties: { username: KEYWORD, uid: KEYWORD, groups: KEYWORD, extra: anyObject(kind) } };
}
