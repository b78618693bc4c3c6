import type { ServerKind } from '../server.ts';
import { BODY_SHAPE, type Shape } from '../body-shape.ts';
import { ADDED, anyObject, type Mapping } from './mapping.ts';

const MAX_TERM = 8191;
const KEYWORD = { type: 'keyword', ignore_above: MAX_TERM };
const TEXT = { type: 'text' };
const DATE = { type: 'date', ignore_malformed: true };
const IP = { type: 'ip', ignore_malformed: true };

/** What authenticators are known to put into `user.extra`; more is kept and not searchable, so that nobody can add fields. */
const EXTRA = [
  'authentication.kubernetes.io/credential-id',
  'authentication.kubernetes.io/issued-credential-id',
  'authentication.kubernetes.io/node-name',
  'authentication.kubernetes.io/node-uid',
  'authentication.kubernetes.io/pod-name',
  'authentication.kubernetes.io/pod-uid',
  'accessKeyId',
  'arn',
  'canonicalArn',
  'principalId',
  'sessionName',
];

/**
 * The mapping for `format: ecs`: names and types of the fields as Elastic's kubernetes integration publishes them for its
 * `kubernetes.audit_logs` data stream, and the ECS fields that its pipeline fills. Nothing is added by an event (`dynamic: false`).
 */
export function ecsMapping(kind: ServerKind): Mapping {
  return {
    dynamic: 'false',
    properties: {
      '@timestamp': { type: 'date' },
      auditail: ADDED,
      data_stream: fields({ type: KEYWORD, dataset: KEYWORD, namespace: KEYWORD }),
      event: fields({ kind: KEYWORD, module: KEYWORD, dataset: KEYWORD, action: KEYWORD, outcome: KEYWORD }),
      user: fields({ name: KEYWORD, id: KEYWORD }),
      user_agent: fields({ original: KEYWORD }),
      source: fields({ ip: IP }),
      client: fields({ ip: IP }),
      container: fields({ image: fields({ name: KEYWORD }) }),
      orchestrator: fields({
        type: KEYWORD,
        namespace: KEYWORD,
        cluster: fields({ name: KEYWORD }),
        resource: fields({ name: KEYWORD, type: KEYWORD }),
      }),
      kubernetes: fields({ audit: audit(kind) }),
    },
  };
}

function audit(kind: ServerKind): Mapping {
  const user = fields({
    username: KEYWORD,
    uid: KEYWORD,
    groups: TEXT,
    extra: fields(Object.fromEntries(EXTRA.map((name) => [name, KEYWORD]))),
  });
  return fields({
    apiVersion: KEYWORD,
    kind: KEYWORD,
    level: KEYWORD,
    auditID: KEYWORD,
    stage: KEYWORD,
    requestURI: KEYWORD,
    verb: KEYWORD,
    userAgent: KEYWORD,
    user,
    impersonatedUser: user,
    sourceIPs: TEXT,
    objectRef: fields({
      resource: KEYWORD,
      namespace: KEYWORD,
      name: KEYWORD,
      uid: KEYWORD,
      apiGroup: KEYWORD,
      apiVersion: KEYWORD,
      resourceVersion: KEYWORD,
      subresource: KEYWORD,
    }),
    responseStatus: fields({
      code: { type: 'integer', ignore_malformed: true },
      status: KEYWORD,
      reason: KEYWORD,
      message: TEXT,
    }),
    requestObject: body(BODY_SHAPE, kind, ''),
    responseObject: body(BODY_SHAPE, kind, ''),
    requestReceivedTimestamp: DATE,
    stageTimestamp: DATE,
    annotations: fields({ 'authorization_k8s_io/decision': KEYWORD, 'authorization_k8s_io/reason': TEXT }),
  });
}

/** The fields of a body, and so exactly those that the encoder looks at before it lets a body be mapped. */
function body(shape: Shape, kind: ServerKind, path: string): Mapping {
  switch (shape) {
    case 'keyword':
      return KEYWORD;
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', ignore_malformed: true };
    case 'text':
      return path === 'spec.containers.image' ? { ...TEXT, copy_to: 'container.image.name' } : TEXT;
    case 'any':
      return anyObject(kind);
    default: {
      const inner = Object.entries(shape).map(([key, part]) => {
        return [key, body(part, kind, path === '' ? key : `${path}.${key}`)] as const;
      });
      const mapped = fields(Object.fromEntries(inner));
      // In the parent too: a query of one field finds it without knowing that it is nested.
      return path === 'rules' ? { type: 'nested', include_in_parent: true, ...mapped } : mapped;
    }
  }
}

function fields(properties: Readonly<Record<string, unknown>>): Mapping {
  return { dynamic: 'false', properties };
}
