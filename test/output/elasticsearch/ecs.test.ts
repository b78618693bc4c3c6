import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ecsEventBytes } from '../../../src/output/elasticsearch/ecs.ts';
import { ecsMapping } from '../../../src/output/elasticsearch/setup/ecs-mapping.ts';
import { auditLine, batchOf } from '../support/batch.ts';
import { type Document, documentsOf, ecs, valuesAt } from './ecs-support.ts';

/** One pod that is all that the rules on pods look for. */
const POD = {
  spec: {
    hostIPC: true,
    hostNetwork: true,
    hostPID: true,
    serviceAccountName: 'default',
    volumes: [{ name: 'root', hostPath: { path: '/', type: '' } }],
    containers: [
      { image: 'busybox', securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN', 'NET_ADMIN'] } } },
    ],
  },
};
const ROLE = { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] };
const EVENT = {
  level: 'RequestResponse',
  verb: 'create',
  user: {
    username: 'eve',
    uid: 'u-1',
    groups: ['system:authenticated'],
    extra: { 'authentication.kubernetes.io/pod-name': ['toolbox'] },
  },
  impersonatedUser: { username: 'admin', groups: ['system:masters'] },
  sourceIPs: ['10.0.0.1', '192.168.0.9'],
  userAgent: 'curl/8',
  objectRef: { resource: 'pods', namespace: 'kube-system', name: 'p', subresource: 'exec', apiVersion: 'v1' },
  responseStatus: { metadata: {}, code: 201, message: 'created' },
  annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: …' },
};

/** The fields that Elastic's 51 prebuilt rules for this data stream read, and what the event above must have there. */
const RULE_FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  'data_stream.dataset': ['kubernetes.audit_logs'],
  'data_stream.namespace': ['default'],
  'event.dataset': ['kubernetes.audit_logs'],
  'event.action': ['create'],
  'event.outcome': ['success'],
  'user.name': ['eve'],
  'user_agent.original': ['curl/8'],
  'source.ip': ['10.0.0.1', '192.168.0.9'],
  'client.ip': ['10.0.0.1', '192.168.0.9'],
  'orchestrator.cluster.name': ['lab'],
  'orchestrator.resource.name': ['p'],
  'kubernetes.audit.level': ['RequestResponse'],
  'kubernetes.audit.verb': ['create'],
  'kubernetes.audit.stage': ['ResponseComplete'],
  'kubernetes.audit.requestURI': ['/api/v1/nodes'],
  'kubernetes.audit.userAgent': ['curl/8'],
  'kubernetes.audit.user.username': ['eve'],
  'kubernetes.audit.user.groups': ['system:authenticated'],
  'kubernetes.audit.user.extra.authentication.kubernetes.io/pod-name': ['toolbox'],
  'kubernetes.audit.impersonatedUser.username': ['admin'],
  'kubernetes.audit.impersonatedUser.groups': ['system:masters'],
  'kubernetes.audit.sourceIPs': ['10.0.0.1', '192.168.0.9'],
  'kubernetes.audit.objectRef.resource': ['pods'],
  'kubernetes.audit.objectRef.namespace': ['kube-system'],
  'kubernetes.audit.objectRef.name': ['p'],
  'kubernetes.audit.objectRef.subresource': ['exec'],
  'kubernetes.audit.responseStatus.code': [201],
  'kubernetes.audit.responseStatus.message': ['created'],
  'kubernetes.audit.annotations.authorization_k8s_io/decision': ['allow'],
  'kubernetes.audit.requestObject.spec.type': ['NodePort'],
  'kubernetes.audit.requestObject.spec.serviceAccountName': ['default'],
  'kubernetes.audit.requestObject.spec.hostIPC': [true],
  'kubernetes.audit.requestObject.spec.hostNetwork': [true],
  'kubernetes.audit.requestObject.spec.hostPID': [true],
  'kubernetes.audit.requestObject.spec.volumes.hostPath.path': ['/'],
  'kubernetes.audit.requestObject.spec.containers.image': ['busybox'],
  'kubernetes.audit.requestObject.spec.containers.securityContext.privileged': [true],
  'kubernetes.audit.requestObject.spec.containers.securityContext.capabilities.add': ['SYS_ADMIN', 'NET_ADMIN'],
  'kubernetes.audit.requestObject.roleRef.name': ['cluster-admin'],
  'kubernetes.audit.requestObject.rules.resources': ['*'],
  'kubernetes.audit.requestObject.rules.verbs': ['*'],
  'kubernetes.audit.responseObject.rules.resources': ['*'],
  'kubernetes.audit.responseObject.rules.verbs': ['*'],
};

const requestObject = { ...ROLE, roleRef: { kind: 'ClusterRole', name: 'cluster-admin' }, ...POD };
const FULL = auditLine({
  ...EVENT,
  requestObject: { ...requestObject, spec: { ...POD.spec, type: 'NodePort' } },
  responseObject: ROLE,
});

/** Whether a field is mapped so that a query finds it: itself, or below one that takes any object. */
function isSearchable(mapping: unknown, path: string): boolean {
  const { type, properties } = mapping as { type?: string; properties?: Document };
  if (path === '') return type !== undefined;
  if (type === 'flattened' || type === 'flat_object') return true;
  return Object.entries(properties ?? {}).some(([key, part]) => {
    if (path === key) return isSearchable(part, '');
    return path.startsWith(`${key}.`) && isSearchable(part, path.slice(key.length + 1));
  });
}

/** What stands under `kubernetes.audit`. */
function auditOf(line: string): Document {
  return valuesAt(documentsOf([line])[0], 'kubernetes.audit')[0] as Document;
}

const AUDIT = 'kubernetes.audit';
const BODY = `${AUDIT}.requestObject`;
const DECISION = `${AUDIT}.annotations.authorization_k8s_io/decision`;
const CREATED = { 'event.action': 'create', [`${AUDIT}.objectRef.resource`]: 'pods', [DECISION]: 'allow' };

describe('an event in ECS', () => {
  it.each(Object.entries(RULE_FIELDS))(
    'has %s where the published rules read it, and it is mapped',
    (field, values) => {
      const [document] = documentsOf([FULL], { cluster: 'lab' });
      expect(valuesAt(document, field)).toEqual(values);
      expect(isSearchable(ecsMapping('elasticsearch'), field)).toBe(true);
    },
  );

  /** What a real API server wrote while somebody attacked it, and at the edges of that. */
  const attacked = gunzipSync(readFileSync(new URL('../../fixtures/alerts/session.log.gz', import.meta.url)));
  /** A pod in the namespaces of its host, and a request with a token that is bound to a pod. */
  const hosted = readFileSync(new URL('../../fixtures/events/host-namespaces.log', import.meta.url));
  const lines = `${attacked}${hosted}`.trimEnd().split('\n');
  const documents = documentsOf(lines, { cluster: 'lab' });

  it('has every field that the published rules read, of real events', () => {
    const missing = Object.keys(RULE_FIELDS).filter((field) =>
      documents.every((document) => valuesAt(document, field).length === 0),
    );
    expect(missing).toEqual([]);
  });

  it.each<readonly [what: string, conditions: Readonly<Record<string, unknown>>]>([
    ['a privileged pod', { ...CREATED, [`${BODY}.spec.containers.securityContext.privileged`]: true }],
    ['a pod in the namespace of the host', { ...CREATED, [`${BODY}.spec.hostPID`]: true }],
    ['a pod that shares the network of the host', { ...CREATED, [`${BODY}.spec.hostNetwork`]: true }],
    ['a pod that shares memory with the host', { ...CREATED, [`${BODY}.spec.hostIPC`]: true }],
    ['a request from within a pod', { [`${AUDIT}.user.extra.authentication.kubernetes.io/pod-name`]: 'toolbox' }],
    ['a path of the host', { ...CREATED, [`${BODY}.spec.volumes.hostPath.path`]: '/etc/kubernetes' }],
    ['a capability', { ...CREATED, [`${BODY}.spec.containers.securityContext.capabilities.add`]: 'NET_BIND_SERVICE' }],
    ['a binding to cluster-admin', { [`${BODY}.roleRef.name`]: 'cluster-admin', [DECISION]: 'allow' }],
    ['a service on every node', { [`${BODY}.spec.type`]: 'NodePort', [DECISION]: 'allow' }],
    ['a role that may do everything', { [`${BODY}.rules.verbs`]: '*', [`${AUDIT}.level`]: 'RequestResponse' }],
    ['a role that may do everything now', { [`${AUDIT}.responseObject.rules.verbs`]: '*', 'event.outcome': 'success' }],
    ['a command in a pod', { [`${AUDIT}.objectRef.subresource`]: 'exec', [`${AUDIT}.stage`]: 'ResponseStarted' }],
    ['Secrets read', { 'event.action': 'list', [`${AUDIT}.objectRef.resource`]: 'secrets' }],
    ['a token for a service account', { [`${AUDIT}.objectRef.subresource`]: 'token', 'event.action': 'create' }],
    ['somebody in the place of another', { [`${AUDIT}.impersonatedUser.username`]: 'root' }],
    ['what was refused', { [DECISION]: 'forbid', 'event.outcome': 'failure', 'user.name': 'bob' }],
    ['an address behind a proxy', { 'source.ip': '203.0.113.77', 'client.ip': '203.0.113.77' }],
  ])('is found among real events by what a rule asks for: %s', (_, conditions) => {
    const found = documents.filter((document) =>
      Object.entries(conditions).every(([field, value]) => valuesAt(document, field).includes(value)),
    );
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThan(documents.length / 2);
  });

  it.each([
    ['allow', 'success'],
    ['forbid', 'failure'],
    ['maybe', 'unknown'],
  ])('tells of the decision %s the outcome %s', (decision, outcome) => {
    const [document] = documentsOf([auditLine({ annotations: { 'authorization.k8s.io/decision': decision } })]);
    expect(valuesAt(document, 'event.outcome')).toEqual([outcome]);
  });

  it('does without what the event does not have', () => {
    const [document] = documentsOf(['{"stageTimestamp":"2026-11-23T05:04:24.987123Z"}']);
    expect(document).toEqual({
      data_stream: { type: 'logs', dataset: 'kubernetes.audit_logs', namespace: 'default' },
      '@timestamp': '2026-11-23T05:04:24.987123Z',
      event: { kind: 'event', module: 'kubernetes', dataset: 'kubernetes.audit_logs', outcome: 'unknown' },
      user: {},
      orchestrator: { type: 'kubernetes' },
      kubernetes: { audit: { stageTimestamp: '2026-11-23T05:04:24.987123Z' } },
    });
  });

  it.each([
    ['an object where a text is mapped', { spec: { type: { x: 1 } } }],
    ['a text where an object is mapped', { spec: { containers: ['x'] } }],
    ['a text in place of a switch', { spec: { hostPID: 'perhaps' } }],
    ['a text in place of a body', 'patch'],
    ['a name that is read as nesting', { 'spec.type': 'NodePort' }],
    ['a name of nothing', { spec: { ' ': 1 } }],
    ['lists in lists', JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown],
  ])('keeps a body away from the mapping that would not fit: %s', (_, body) => {
    const audit = auditOf(auditLine({ requestObject: body, responseObject: POD }));
    expect(audit['requestObject']).toBeUndefined();
    expect(audit['requestObjectUnmapped']).toEqual(body);
    expect(audit['responseObject']).toEqual(POD);
  });

  it.each([
    ['a JSON patch', [{ op: 'add', path: '/x', value: { spec: 1 } }]],
    ['a null', null],
    ['a custom resource with fields of its own', { spec: { template: { type: {} }, rules: 7 }, status: 'ok' }],
  ])('maps %s', (_, body) => {
    expect(auditOf(auditLine({ requestObject: body }))).toHaveProperty('requestObject', body);
  });

  it.each([{ 'a.b/c_d': '1', 'e.f': '2' }, { 'a.b': '1', a_b: '2' }, { 'with"quote.x': '1' }])(
    'gives the keys of annotations back: %j',
    (annotations) => {
      const line = auditLine({ requestObject: { 'a.b': 1 }, annotations, responseObject: 'x' });
      const batch = batchOf(ecs({ cluster: 'lab' }), [line]);
      expect(ecsEventBytes(batch, 0).toString()).toBe(line);
      expect(Object.keys(valuesAt(documentsOf([line])[0], 'kubernetes.audit.annotations')[0] as object)).toHaveLength(
        Object.keys(annotations).length,
      );
    },
  );
});
