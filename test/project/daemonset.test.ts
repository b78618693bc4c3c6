import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';
import { type Container, configMap, daemonSet, manifests } from './manifest.ts';

const { metadata, spec: pod } = daemonSet().spec.template;
const container = pod.containers[0] as Container;
const config = configSchema.parse(parse(configMap().data['auditail.yaml'] ?? ''));

test('all that is needed is in the one file', () => {
  expect(manifests().map(({ kind }) => kind)).toEqual(['Namespace', 'ServiceAccount', 'ConfigMap', 'DaemonSet']);
});

test('the paths of the configuration are mounted, the log as a directory and the state for writing', () => {
  const mounts = container.volumeMounts;
  const [source] = config.sources;
  const logPath = source?.type === 'file' ? source.path : '';
  const log = mounts.find(({ mountPath }) => logPath === `${mountPath}/audit.log`);
  expect(pod.volumes.find(({ name }) => name === log?.name)?.hostPath?.type).toBe('Directory');
  expect(mounts.find(({ mountPath }) => mountPath === config.stateDirectory)?.readOnly).toBeUndefined();
  expect(mounts.some(({ mountPath }) => container.args.at(-1) === `${mountPath}/auditail.yaml`)).toBe(true);
});

test('no mount stands inside another one that is read-only: it could not be made', () => {
  const mounts = container.volumeMounts;
  const inside = mounts.filter(({ mountPath }) =>
    mounts.some((outer) => outer.readOnly === true && mountPath.startsWith(`${outer.mountPath}/`)),
  );
  expect(inside).toEqual([]);
});

test('the container has no rights but root’s on its own files', () => {
  expect(container.securityContext).toEqual({
    runAsUser: 0,
    runAsGroup: 0,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(pod.securityContext.seccompProfile.type).toBe('RuntimeDefault');
  expect([pod.hostNetwork, pod.hostPID, pod.hostIPC, pod.automountServiceAccountToken]).toEqual([
    undefined,
    undefined,
    undefined,
    false,
  ]);
});

test('probes and scrapes go to the port that telemetry listens on', () => {
  const port = Number(config.telemetry.listen.split(':').at(-1));
  expect(container.ports).toEqual([{ name: 'telemetry', containerPort: port }]);
  expect(metadata.annotations?.['prometheus.io/port']).toBe(String(port));
  expect([container.livenessProbe.httpGet.port, container.readinessProbe.httpGet.port]).toEqual([
    'telemetry',
    'telemetry',
  ]);
});

test('a pod has longer to stop than the agent takes', () => {
  expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(config.shutdownGrace + 5000);
});
