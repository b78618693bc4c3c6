import { request as httpsRequest } from 'node:https';

/** One request to the API server. */
export interface Step {
  /** `admin` where it is not said; the empty string for none. */
  readonly token?: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** So often, with `{n}` in the path and the body counted up. */
  readonly times?: number;
}

/** A technique: what a rule must tell, and what looks like it and must not be told. */
export interface Technique {
  readonly rule: string;
  readonly attack: readonly Step[];
  readonly near: readonly Step[];
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const LAB = '/api/v1/namespaces/lab';
const UPGRADE = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v5.channel.k8s.io' };
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

function post(path: string, body: unknown, more: Partial<Step> = {}): Step {
  return { method: 'POST', path, body, ...more };
}

function pod(name: string, spec: object, container: object = {}): object {
  const containers = [{ name: 'c', image: 'example.test/c', ...container }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers, ...spec } };
}

function hostPath(path: string): object {
  return { volumes: [{ name: 'v', hostPath: { path } }] };
}

function role(name: string, rules: unknown): object {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
}

function binding(name: string, to: string): object {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: to };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'mallory' }];
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef,
    subjects,
  };
}

function crd(plural: string): object {
  const schema = { openAPIV3Schema: { type: 'object' } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.lab.example.test` },
    spec: {
      group: 'lab.example.test',
      names: { plural, kind: plural.toUpperCase() },
      scope: 'Cluster',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const REVIEWS = '/apis/authorization.k8s.io/v1';
const REVIEW = { spec: { resourceAttributes: { namespace: 'lab', verb: 'get', resource: 'pods' } } };
const KINDS = [
  'pods configmaps services secrets endpoints events limitranges persistentvolumeclaims replicationcontrollers resourcequotas',
  'serviceaccounts podtemplates namespaces nodes persistentvolumes',
];

/** What has to be there before: run as the administrator, and answered by a rule or two of their own. */
export function preparation(csr: string, kubeletPort: number): readonly Step[] {
  return [
    ...['lab', 'gone-1', 'gone-2', 'gone-3', 'stays'].map((name) => post('/api/v1/namespaces', { metadata: { name } })),
    post(`${LAB}/serviceaccounts`, { metadata: { name: 'default' } }),
    post(`${LAB}/serviceaccounts`, { metadata: { name: 'robot' } }),
    post('/api/v1/nodes', { metadata: { name: 'node-1' } }),
    {
      method: 'PATCH',
      path: '/api/v1/nodes/node-1/status',
      type: STRATEGIC,
      body: {
        status: {
          addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
          daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
        },
      },
    },
    post(`${LAB}/pods`, pod('victim', { nodeName: 'node-1' })),
    post(`${LAB}/services`, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } }),
    ...['as', 'bs', 'cs', 'ds'].map((plural) => post(CRDS, crd(plural))),
    post(`${RBAC}/clusterroles`, role('reader', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }])),
    post(`${RBAC}/clusterrolebindings`, {
      ...binding('lab-readers', 'view'),
      subjects: ['alice', 'bob', 'carol@example.com'].map((name) => ({
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'User',
        name,
      })),
    }),
    post(
      `${RBAC}/clusterroles`,
      role('lab-sa', [
        { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] },
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create', 'deletecollection'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      ]),
    ),
    post(`${RBAC}/clusterrolebindings`, {
      ...binding('lab-sa', 'lab-sa'),
      subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'monitoring' }],
    }),
    post(`${RBAC}/clusterrolebindings`, {
      ...binding('anonymous-reader', 'reader'),
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:anonymous' }],
    }),
    post('/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'coredns' }, data: { Corefile: '.:53 {}' } }),
    post(`${LAB}/configmaps`, { metadata: { name: 'coredns' } }),
    post(`${LAB}/secrets`, { metadata: { name: 'db' }, stringData: { password: 'x' } }),
    ...['join', 'other'].map((name) =>
      post(CSRS, {
        metadata: { name },
        spec: { request: csr, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
      }),
    ),
    ...Array.from({ length: 12 }, (_, n) => post(`${LAB}/configmaps`, { metadata: { name: `many-${n}` } })),
  ];
}

/** Each technique of the pack once. In this order: what a threshold counts must not come from another's near miss. */
export const TECHNIQUES: readonly Technique[] = [
  {
    rule: 'exec-into-pod',
    attack: [{ method: 'POST', path: `${LAB}/pods/victim/exec?command=id&stdout=true`, headers: UPGRADE }],
    near: [
      { token: 'bob-token', method: 'POST', path: `${LAB}/pods/victim/exec?command=id&stdout=true`, headers: UPGRADE },
      { path: `${LAB}/pods/victim/log` },
    ],
  },
  {
    rule: 'attach-to-pod',
    attack: [{ method: 'POST', path: `${LAB}/pods/victim/attach?stdout=true`, headers: UPGRADE }],
    near: [{ token: 'bob-token', method: 'POST', path: `${LAB}/pods/victim/attach?stdout=true`, headers: UPGRADE }],
  },
  {
    rule: 'port-forward',
    attack: [{ method: 'POST', path: `${LAB}/pods/victim/portforward?ports=80`, headers: UPGRADE }],
    near: [{ token: 'bob-token', method: 'POST', path: `${LAB}/pods/victim/portforward?ports=80`, headers: UPGRADE }],
  },
  {
    rule: 'ephemeral-container',
    attack: [
      {
        method: 'PATCH',
        path: `${LAB}/pods/victim/ephemeralcontainers`,
        type: STRATEGIC,
        body: { spec: { ephemeralContainers: [{ name: 'dbg', image: 'example.test/dbg' }] } },
      },
    ],
    near: [
      { path: `${LAB}/pods/victim/ephemeralcontainers` },
      { method: 'PATCH', path: `${LAB}/pods/victim`, type: MERGE, body: { metadata: { labels: { a: 'b' } } } },
    ],
  },
  {
    rule: 'node-proxy',
    attack: [{ path: '/api/v1/nodes/node-1/proxy/runningpods/' }],
    near: [{ token: 'bob-token', path: '/api/v1/nodes/node-1/proxy/pods' }, { path: '/api/v1/nodes/node-1' }],
  },
  {
    rule: 'impersonation',
    attack: [{ path: `${LAB}/pods`, headers: { 'impersonate-user': 'alice' } }],
    near: [{ path: `${LAB}/pods` }],
  },
  {
    rule: 'impersonation-of-the-system',
    attack: [{ path: `${LAB}/pods`, headers: { 'impersonate-user': 'root', 'impersonate-group': 'system:masters' } }],
    near: [{ path: `${LAB}/pods`, headers: { 'impersonate-user': 'system:serviceaccount:lab:robot' } }],
  },
  {
    rule: 'secret-read-by-person',
    attack: [{ path: `${LAB}/secrets/db` }],
    near: [
      { token: 'bob-token', path: `${LAB}/secrets/db` },
      { token: 'prom-token', path: `${LAB}/secrets/db` },
      { method: 'PATCH', path: `${LAB}/secrets/db`, type: MERGE, body: { metadata: { labels: { a: 'b' } } } },
    ],
  },
  {
    rule: 'secrets-read-everywhere',
    attack: [{ token: 'prom-token', path: '/api/v1/secrets?limit=1' }],
    near: [
      { token: 'prom-token', path: `${LAB}/secrets` },
      { token: 'kcm-token', path: '/api/v1/secrets?limit=1' },
    ],
  },
  {
    rule: 'secrets-read-in-bulk',
    attack: [
      { method: 'POST', path: `${LAB}/secrets`, body: { metadata: { name: 'bulk-{n}' } }, times: 16 },
      { path: `${LAB}/secrets/bulk-{n}`, times: 16 },
    ],
    near: [{ path: `${LAB}/secrets/db`, times: 20 }],
  },
  {
    rule: 'token-for-another-account',
    attack: [post(`${LAB}/serviceaccounts/robot/token`, { spec: {} })],
    near: [
      { path: `${LAB}/serviceaccounts/robot` },
      post(`${LAB}/serviceaccounts/robot/token`, {}, { token: 'bob-token' }),
    ],
  },
  {
    rule: 'token-secret-made',
    attack: [
      post(`${LAB}/secrets`, {
        metadata: { name: 'forever', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
        type: 'kubernetes.io/service-account-token',
      }),
    ],
    near: [post(`${LAB}/secrets`, { metadata: { name: 'plain' }, type: 'Opaque' })],
  },
  {
    rule: 'certificate-approved',
    attack: [approve('join')],
    near: [{ path: `${CSRS}/other` }, { ...approve('other'), token: 'bob-token' }],
  },
  {
    rule: 'cluster-admin-bound',
    attack: [post(`${RBAC}/clusterrolebindings`, binding('mallory', 'cluster-admin'))],
    near: [
      post(`${RBAC}/clusterrolebindings`, binding('cluster-admin-like', 'view')),
      post(`${RBAC}/clusterrolebindings`, binding('denied', 'cluster-admin'), { token: 'bob-token' }),
    ],
  },
  {
    rule: 'role-with-everything',
    attack: [post(`${RBAC}/clusterroles`, role('all', [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }]))],
    near: [
      post(`${RBAC}/clusterroles`, role('some', [{ apiGroups: ['*'], resources: ['pods'], verbs: ['get'] }])),
      post(`${RBAC}/clusterroles`, { ...role('summed', null), aggregationRule: { clusterRoleSelectors: [] } }),
    ],
  },
  {
    rule: 'system-role-changed',
    attack: [
      {
        method: 'PATCH',
        path: `${RBAC}/clusterroles/system:basic-user`,
        type: MERGE,
        body: { metadata: { labels: { x: 'y' } } },
      },
    ],
    near: [
      { path: `${RBAC}/clusterroles/system:basic-user` },
      { method: 'PATCH', path: `${RBAC}/clusterroles/reader`, type: MERGE, body: { metadata: { labels: { x: 'y' } } } },
    ],
  },
  {
    rule: 'rbac-changed-by-service-account',
    attack: [
      post(
        `${RBAC}/namespaces/lab/roles`,
        { metadata: { name: 'mine' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
        { token: 'prom-token' },
      ),
    ],
    near: [post(`${RBAC}/namespaces/lab/roles`, { metadata: { name: 'theirs' }, rules: [] })],
  },
  {
    rule: 'privileged-pod',
    attack: [post(`${LAB}/pods`, pod('root', {}, { securityContext: { privileged: true } }))],
    near: [
      post(
        `${LAB}/pods`,
        pod(
          'plain',
          {},
          { securityContext: { privileged: false, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } } },
        ),
      ),
      post(`${LAB}/pods`, pod('denied', {}, { securityContext: { privileged: true } }), { token: 'bob-token' }),
    ],
  },
  {
    rule: 'host-namespace-pod',
    attack: [post(`${LAB}/pods`, pod('host', { hostPID: true }))],
    near: [post(`${LAB}/pods`, pod('hostpid-in-name', { shareProcessNamespace: true }))],
  },
  {
    rule: 'sensitive-host-path',
    attack: [post(`${LAB}/pods`, pod('etc', hostPath('/etc/kubernetes')))],
    near: [
      post(`${LAB}/pods`, pod('logs', hostPath('/var/log/app'))),
      post(`${LAB}/pods`, pod('data', hostPath('/etcetera'))),
    ],
  },
  {
    rule: 'kube-system-changed',
    attack: [post('/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'hidden' } })],
    near: [
      { path: '/api/v1/namespaces/kube-system/configmaps/hidden' },
      post(`${LAB}/configmaps`, { metadata: { name: 'kube-system' } }),
    ],
  },
  {
    rule: 'admission-webhook-changed',
    attack: [post(WEBHOOKS, { metadata: { name: 'spy' }, webhooks: [] })],
    near: [{ path: WEBHOOKS }, post(WEBHOOKS, { metadata: { name: 'denied' }, webhooks: [] }, { token: 'bob-token' })],
  },
  {
    rule: 'cluster-dns-changed',
    attack: [
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/kube-system/configmaps/coredns',
        type: MERGE,
        body: { data: { Corefile: '. { forward . 203.0.113.66 }' } },
      },
    ],
    near: [
      { method: 'PATCH', path: `${LAB}/configmaps/coredns`, type: MERGE, body: { data: { a: 'b' } } },
      { path: '/api/v1/namespaces/kube-system/configmaps/coredns' },
    ],
  },
  {
    rule: 'service-exposed',
    attack: [
      post(`${LAB}/services`, { metadata: { name: 'open' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }),
    ],
    near: [
      post(`${LAB}/services`, { metadata: { name: 'nodeport' }, spec: { type: 'ClusterIP', ports: [{ port: 80 }] } }),
    ],
  },
  {
    rule: 'anonymous-success',
    attack: [{ token: '', path: `${LAB}/pods` }],
    near: [
      { token: '', path: '/livez' },
      { token: '', path: '/version' },
      { token: '', path: `${LAB}/secrets` },
    ],
  },
  {
    rule: 'forged-audit-id',
    attack: [{ path: `${LAB}/pods`, headers: { 'audit-id': 'not-me' } }],
    near: [{ path: `${LAB}/pods`, headers: { 'audit-id': '3a3d8d7e-54b6-4a52-9d11-5f5a5d3a7f01' } }],
  },
  {
    rule: 'duplicate-audit-id',
    attack: [
      { path: `${LAB}/pods`, headers: { 'audit-id': '3a3d8d7e-54b6-4a52-9d11-5f5a5d3a7f02' } },
      { path: `${LAB}/secrets/db`, headers: { 'audit-id': '3a3d8d7e-54b6-4a52-9d11-5f5a5d3a7f02' } },
    ],
    near: [
      {
        path: `${LAB}/pods?watch=true&timeoutSeconds=1`,
        headers: { 'audit-id': '3a3d8d7e-54b6-4a52-9d11-5f5a5d3a7f03' },
      },
    ],
  },
  {
    rule: 'truncated-event',
    attack: [post(`${LAB}/configmaps`, { metadata: { name: 'large' }, data: { text: 'x'.repeat(400_000) } })],
    near: [
      post(`${LAB}/configmaps`, { metadata: { name: 'small', annotations: { 'audit.k8s.io/truncated': 'true' } } }),
    ],
  },
  {
    rule: 'events-deleted',
    attack: [{ method: 'DELETE', path: `${LAB}/events` }],
    near: [{ path: `${LAB}/events` }, { token: 'bob-token', method: 'DELETE', path: `${LAB}/events` }],
  },
  {
    rule: 'crds-deleted',
    attack: ['as', 'bs', 'cs'].map((plural) => ({ method: 'DELETE', path: `${CRDS}/${plural}.lab.example.test` })),
    near: [
      { method: 'DELETE', path: `${CRDS}/ds.lab.example.test` },
      { method: 'DELETE', path: `${CRDS}/ds.lab.example.test`, token: 'bob-token', times: 3 },
    ],
  },
  {
    rule: 'namespaces-deleted',
    attack: [1, 2, 3].map((n) => ({ method: 'DELETE', path: `/api/v1/namespaces/gone-${n}` })),
    near: [{ method: 'DELETE', path: '/api/v1/namespaces/stays', times: 4 }],
  },
  {
    rule: 'mass-deletion',
    attack: [
      { method: 'POST', path: `${LAB}/configmaps`, body: { metadata: { name: 'mass-{n}' } }, times: 101 },
      { method: 'DELETE', path: `${LAB}/configmaps/mass-{n}`, times: 101 },
    ],
    near: Array.from({ length: 12 }, (_, n) => ({ method: 'DELETE', path: `${LAB}/configmaps/many-${n}` })),
  },
  {
    rule: 'forbidden-flood',
    attack: [{ token: 'bob-token', path: `${LAB}/secrets/s{n}`, times: 51 }],
    near: [{ token: 'carol-token', path: `${LAB}/secrets/s{n}`, times: 20 }],
  },
  {
    rule: 'unauthenticated-flood',
    attack: [{ token: 'wrong-{n}', path: `${LAB}/pods`, times: 21 }],
    near: [{ token: 'ended', path: `${LAB}/pods`, times: 3 }],
  },
  {
    rule: 'discovery-flood',
    attack: [
      ...KINDS.join(' ')
        .split(' ')
        .map((kind) => ({ token: 'alice-token', path: `/api/v1/${kind}?limit=1` })),
      ...['deployments', 'daemonsets', 'replicasets', 'statefulsets', 'controllerrevisions'].map((kind) => ({
        token: 'alice-token',
        path: `/apis/apps/v1/${kind}?limit=1`,
      })),
    ],
    near: [{ token: 'carol-token', path: '/api/v1/pods?limit=1', times: 25 }],
  },
  {
    rule: 'path-scan',
    attack: ['.env', 'admin/config.php', 'wp-login.php', 'actuator/health', 'solr/', 'phpinfo.php'].map((path) => ({
      token: 'alice-token',
      path: `/${path}`,
    })),
    near: [
      { token: 'carol-token', path: '/nothing', times: 6 },
      { token: 'carol-token', path: '/version' },
    ],
  },
  {
    rule: 'permission-enumeration',
    attack: [post(`${REVIEWS}/selfsubjectaccessreviews`, REVIEW, { token: 'alice-token', times: 21 })],
    near: [post(`${REVIEWS}/selfsubjectaccessreviews`, REVIEW, { token: 'carol-token', times: 5 })],
  },
  {
    rule: 'new-service-account-action',
    attack: [
      { token: 'prom-token', path: `${LAB}/pods/victim` },
      { token: 'prom-token', path: `${LAB}/secrets` },
    ],
    near: [{ token: 'prom-token', path: `${LAB}/pods/victim`, times: 3 }],
  },
  {
    rule: 'new-source-network',
    attack: [{ path: `${LAB}/pods` }, { path: `${LAB}/pods`, headers: { 'x-forwarded-for': '203.0.113.77' } }],
    near: [{ path: `${LAB}/pods` }, { path: `${LAB}/services` }],
  },
];

/** Makes the object, or changes it: as `kubectl apply --server-side` does. */
function apply(path: string, object: unknown, more: Partial<Step> = {}): Step {
  const type = 'application/apply-patch+yaml';
  return { method: 'PATCH', path: `${path}?fieldManager=lab`, type, body: object, ...more };
}

/** What is made by an apply; whoever applies it again changes nothing, and whoever may not make it is refused. */
function applied(rule: string, path: string, object: unknown): OtherWay {
  const attack = [apply(path, object)];
  return { rule, way: 'apply', attack, near: [...attack, apply(path, object, { token: 'bob-token' })] };
}

/** A technique in another way than that of `TECHNIQUES`; those of one rule are told apart by `way`. */
export interface OtherWay extends Technique {
  readonly way: string;
}

/** Other ways to the same end: first the attack, then what looks like it. */
export const OTHER_WAYS: readonly OtherWay[] = [
  applied('privileged-pod', `${LAB}/pods/applied-1`, pod('applied-1', {}, { securityContext: { privileged: true } })),
  applied('host-namespace-pod', `${LAB}/pods/applied-2`, pod('applied-2', { hostPID: true })),
  applied('sensitive-host-path', `${LAB}/pods/applied-3`, pod('applied-3', hostPath('/etc'))),
  applied('token-secret-made', `${LAB}/secrets/applied-4`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'applied-4', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
    type: 'kubernetes.io/service-account-token',
  }),
  {
    rule: 'privileged-pod',
    way: 'init',
    attack: [
      post(
        `${LAB}/pods`,
        pod('init-1', {
          initContainers: [{ name: 'x', image: 'example.test/c', securityContext: { privileged: true } }],
        }),
      ),
    ],
    near: [
      post(
        `${LAB}/pods`,
        pod('init-2', {
          initContainers: [{ name: 'x', image: 'example.test/c', securityContext: { privileged: false } }],
        }),
      ),
    ],
  },
  {
    rule: 'secrets-read-in-bulk',
    way: 'list',
    attack: [{ path: '/api/v1/namespaces/place-{n}/secrets?limit=1', times: 16 }],
    near: [{ path: `${LAB}/secrets?limit={n}`, times: 20 }],
  },
  {
    rule: 'secrets-read-in-bulk',
    way: 'watch',
    attack: [{ path: '/api/v1/namespaces/place-{n}/secrets?watch=true&timeoutSeconds=1', times: 16 }],
    near: [{ path: `${LAB}/secrets?watch=true&timeoutSeconds=1`, times: 16 }],
  },
  {
    rule: 'system-role-changed',
    way: 'collection',
    attack: [{ method: 'DELETE', path: `${RBAC}/clusterroles?labelSelector=no%3Dsuch` }],
    near: [
      { method: 'DELETE', path: `${RBAC}/namespaces/lab/roles?labelSelector=no%3Dsuch` },
      { method: 'DELETE', path: `${RBAC}/clusterroles?labelSelector=no%3Dsuch`, token: 'bob-token' },
    ],
  },
  {
    rule: 'rbac-changed-by-service-account',
    way: 'collection',
    attack: [{ method: 'DELETE', path: `${RBAC}/namespaces/lab/roles?labelSelector=no%3Dsuch`, token: 'prom-token' }],
    near: [
      { method: 'DELETE', path: `${RBAC}/namespaces/lab/roles?labelSelector=no%3Dsuch` },
      { method: 'DELETE', path: `${RBAC}/namespaces/lab/rolebindings?labelSelector=no%3Dsuch`, token: 'prom-token' },
    ],
  },
  {
    rule: 'cluster-dns-changed',
    way: 'collection',
    attack: [{ method: 'DELETE', path: '/api/v1/namespaces/kube-system/configmaps?labelSelector=no%3Dsuch' }],
    near: [{ method: 'DELETE', path: `${LAB}/configmaps?labelSelector=no%3Dsuch` }],
  },
];

function approve(name: string): Step {
  const condition = { type: 'Approved', status: 'True', reason: 'Lab', message: 'approved' };
  return {
    method: 'PATCH',
    path: `${CSRS}/${name}/approval`,
    type: MERGE,
    body: { status: { conditions: [condition] } },
  };
}

/** Sends a step as often as it says; the answers' codes. `agent` is the user agent that marks its events. */
export async function perform(url: string, step: Step, agent: string): Promise<readonly number[]> {
  const codes: number[] = [];
  for (let n = 0; n < (step.times ?? 1); n += 1) codes.push(await send(url, counted(step, n), agent));
  return codes;
}

function counted(step: Step, n: number): Step {
  return JSON.parse(JSON.stringify(step).replaceAll('{n}', String(n))) as Step;
}

function send(url: string, step: Step, agent: string): Promise<number> {
  const { token = 'admin-token', method = 'GET', path, body, type = 'application/json', headers = {} } = step;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${url}${path}`, {
      method,
      rejectUnauthorized: false,
      headers: {
        'user-agent': agent,
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('upgrade', (reply, socket) => {
      socket.destroy();
      resolve(reply.statusCode ?? 0);
    });
    request.on('response', (reply) => {
      reply.resume();
      reply.on('end', () => resolve(reply.statusCode ?? 0));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
