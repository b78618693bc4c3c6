import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';
import { type ApiServer, startApiServer } from '../support/kube-apiserver.ts';
import { shared } from '../support/shared.ts';
import { findHelm } from '../support/tool.ts';
import { lint, render } from './chart.ts';
import { type ConfigMap, configMap, type DaemonSet, daemonSet, manifest, type Manifest } from './manifest.ts';

const folder = shared('servers/kube-apiserver');
const helm = findHelm();
const title = 'the Helm chart';

function the(kind: string, objects: readonly Manifest[]): Manifest {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`the chart makes no ${kind}`);
  return found;
}

function configIn(object: Manifest): unknown {
  return parse((object as ConfigMap).data['auditail.yaml'] ?? '');
}

function hashIn(objects: readonly Manifest[]): string | undefined {
  return (the('DaemonSet', objects) as DaemonSet).spec.template.metadata.annotations?.['auditail/config'];
}

describe.skipIf(helm === undefined)(
  helm === undefined ? `${title} (skipped: there is no Helm to be had)` : title,
  () => {
    const program = helm ?? '';

    test('has nothing that Helm would complain about', () => {
      expect(lint(program)).toContain('0 chart(s) failed');
    });

    test('installs by default what daemonset.yaml says', () => {
      const objects = render(program);
      expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'ConfigMap', 'DaemonSet']);
      const ours = daemonSet().spec;
      const { template, ...rest } = (the('DaemonSet', objects) as DaemonSet).spec;
      const labels = { 'app.kubernetes.io/name': 'auditail', 'app.kubernetes.io/instance': 'auditail' };
      const annotations = { ...ours.template.metadata.annotations, 'auditail/config': expect.any(String) };
      expect(template).toEqual({ metadata: { labels, annotations }, spec: ours.template.spec });
      expect(rest).toEqual({ ...structuredClone({ ...ours, template: undefined }), selector: { matchLabels: labels } });
      expect(configIn(the('ConfigMap', objects))).toEqual(configIn(configMap()));
      expect(configSchema.safeParse(configIn(the('ConfigMap', objects))).success).toBe(true);
    });

    test('a changed configuration makes new pods', () => {
      expect(hashIn(render(program))).toBe(hashIn(render(program)));
      expect(hashIn(render(program, 'config.metadata.cluster=other'))).not.toBe(hashIn(render(program)));
    });

    test('refuses values that are none, and an agent without an address for its probes', () => {
      expect(() => render(program, 'imagee.tag=1')).toThrow(/imagee/);
      expect(() => render(program, 'auditLog.directory=audit/')).toThrow(/directory/);
      expect(() => render(program, 'config.telemetry.listen=off')).toThrow(/probes/);
    });

    test('what it makes for the Prometheus operator and for Grafana is whole', () => {
      const all = render(program, 'podMonitor.enabled=true', 'prometheusRule.enabled=true', 'dashboard.enabled=true');
      expect(the('PrometheusRule', all)).toMatchObject({ spec: { groups: [{ name: 'auditail' }] } });
      expect(the('PodMonitor', all)).toMatchObject({ spec: { podMetricsEndpoints: [{ port: 'telemetry' }] } });
      const maps = all.filter(({ kind }) => kind === 'ConfigMap') as ConfigMap[];
      const dashboard = maps.map(({ data }) => data['auditail.json']).find((text) => text !== undefined);
      expect(JSON.parse(dashboard ?? '')).toMatchObject({ title: 'auditail' });
    });

    describe.skipIf(folder === undefined)('before a real API server (skipped where there is none to start)', () => {
      let server: ApiServer;

      beforeAll(async () => {
        server = await startApiServer(folder ?? '');
        expect((await server.send('POST', '/api/v1/namespaces', manifest('Namespace'))).status).toBe(201);
      });

      afterAll(() => server?.stop());

      const COLLECTIONS: Readonly<Record<string, string>> = {
        ServiceAccount: '/api/v1/namespaces/auditail/serviceaccounts',
        ConfigMap: '/api/v1/namespaces/auditail/configmaps',
        DaemonSet: '/apis/apps/v1/namespaces/auditail/daemonsets',
      };

      test.each([
        [[]],
        [
          [
            'auditLog.writable=true',
            'secretName=',
            'seLinuxOptions.type=container_logreader_t',
            'scrapeAnnotations=false',
          ],
        ],
        [['runAs.runAsUser=65532', 'runAs.runAsGroup=65532', 'runAs.runAsNonRoot=true', 'dashboard.enabled=true']],
      ])('everything it makes with %j can be applied', async (settings) => {
        for (const object of render(program, ...settings)) {
          const path = `${COLLECTIONS[object.kind]}/${object.metadata.name}?dryRun=All&force=true&fieldManager=test&fieldValidation=Strict`;
          const { status, body } = await server.send('PATCH', path, object, 'application/apply-patch+yaml');
          expect([object.kind, status, body]).toEqual([object.kind, 201, expect.anything()]);
        }
      });
    });
  },
);
