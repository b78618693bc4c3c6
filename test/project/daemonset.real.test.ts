import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/kube-apiserver.ts';
import { shared } from '../support/shared.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { daemonSet, manifest, manifests } from './manifest.ts';

const folder = shared('servers/kube-apiserver');
const title = 'daemonset.yaml before a real API server';

/** Misspelt and unknown fields are errors, not warnings. */
const STRICT = 'fieldManager=auditail-test&fieldValidation=Strict';

const COLLECTIONS: Readonly<Record<string, string>> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/auditail/serviceaccounts',
  ConfigMap: '/api/v1/namespaces/auditail/configmaps',
  DaemonSet: '/apis/apps/v1/namespaces/auditail/daemonsets',
};

describe.skipIf(folder === undefined)(
  folder === undefined ? `${title} (skipped: there is no API server to start)` : title,
  () => {
    let server: ApiServer;

    beforeAll(async () => {
      server = await startApiServer(folder ?? '');
      // A dry run creates nothing, and what lies in a namespace needs it to be there.
      for (const kind of ['Namespace', 'ServiceAccount']) {
        const { status, body } = await server.send('POST', COLLECTIONS[kind] ?? '', manifest(kind));
        expect([status, body]).toEqual([201, expect.anything()]);
      }
    });

    afterAll(() => server?.stop());

    test.each(manifests().map((object) => [object.kind, object] as const))(
      'the %s can be applied',
      async (kind, object) => {
        const path = `${COLLECTIONS[kind]}/${object.metadata.name}?dryRun=All&force=true&${STRICT}`;
        const { status, body } = await server.send('PATCH', path, object, 'application/apply-patch+yaml');
        expect([status, body]).toEqual([status < 300 ? status : 'applied', expect.anything()]);
      },
    );

    test('the runbook stops it on all nodes, and leaves the rest of it alone', async () => {
      const runbook = readFileSync(join(REPOSITORY, 'docs/runbook.md'), 'utf8');
      const [, patch = ''] = /patch daemonset auditail --type merge -p '(.*)'/.exec(runbook) ?? [];
      const path = COLLECTIONS['DaemonSet'] ?? '';
      expect((await server.send('POST', path, daemonSet())).status).toBe(201);
      const type = 'application/merge-patch+json';
      const { status, body } = await server.send('PATCH', `${path}/auditail`, JSON.parse(patch), type);
      const nodeSelector = { 'node-role.kubernetes.io/control-plane': '', auditail: 'stopped' };
      expect([status, body]).toMatchObject([200, { spec: { template: { spec: { nodeSelector } } } }]);
      expect((await server.send('DELETE', `${path}/auditail`)).status).toBe(200);
    });

    test('a field that does not exist is noticed', async () => {
      const object = structuredClone(daemonSet());
      Object.assign(object.spec.template.spec, { tolerationz: [] });
      const path = `${COLLECTIONS['DaemonSet']}/auditail?dryRun=All&${STRICT}`;
      const { status, body } = await server.send('PATCH', path, object, 'application/apply-patch+yaml');
      expect([status, JSON.stringify(body)]).toEqual([500, expect.stringContaining('tolerationz')]);
    });

    test('the pod that the DaemonSet makes is admitted', async () => {
      const { metadata, spec } = daemonSet().spec.template;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'auditail-x' }, spec };
      const { status, body } = await server.send('POST', `/api/v1/namespaces/auditail/pods?dryRun=All&${STRICT}`, pod);
      expect([status, body]).toEqual([201, expect.objectContaining({ kind: 'Pod' })]);
      expect(body).toMatchObject({ spec: { priority: 2_000_001_000, serviceAccountName: 'auditail' } });
    });

    test('of what the restricted profile asks for, it lacks what docs/security.md lists, and nothing else', async () => {
      const enforce = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      const strict = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels: enforce } };
      expect((await server.send('POST', '/api/v1/namespaces', strict)).status).toBe(201);
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'auditail', namespace: 'strict' } };
      expect((await server.send('POST', '/api/v1/namespaces/strict/serviceaccounts', account)).status).toBe(201);
      const { metadata, spec } = daemonSet().spec.template;
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'auditail-x' }, spec };
      const { status, body } = await server.send('POST', '/api/v1/namespaces/strict/pods?dryRun=All', pod);
      const { message } = body as { readonly message: string };
      const [, list = ''] = /violates PodSecurity "restricted:latest": (.*)$/.exec(message) ?? [];
      const violations = list.split(/, (?=[^()]*(?:\(|$))/).map((text) => text.replace(/ \(.*$/, ''));
      const page = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8');
      const [, section = ''] = /## Against the restricted profile\n([^]*?)(?=\n## |$)/.exec(page) ?? [];
      const listed = [...section.matchAll(/^\| `([^`]+)` \| .* \|$/gm)].map(([, violation]) => violation);
      expect(status).toBe(403);
      expect(violations.toSorted()).toEqual(listed.toSorted());
    });
  },
);
