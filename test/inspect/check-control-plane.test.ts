import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileSourceConfig } from '../../src/config/schema.ts';
import { sourceSchema } from '../../src/config/source-schema.ts';
import { checkControlPlane, usualLogs } from '../../src/inspect/check-control-plane.ts';
import { LAYOUTS } from '../../src/inspect/layouts.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LOG = '/var/log/kubernetes/audit/audit.log';
const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

/** A node's files, under a directory of the test. */
function node(files: Readonly<Record<string, string>>): string {
  const root = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.join(root, path.dirname(name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

function follow(file: string): FileSourceConfig {
  return sourceSchema.parse({ name: 'api', type: 'file', path: file }) as FileSourceConfig;
}

/** As kubeadm writes it. */
function staticPod(flags: readonly string[], mountPath = '/var/log/kubernetes/audit', hostPath = mountPath): string {
  return `apiVersion: v1
kind: Pod
metadata: { name: kube-apiserver, namespace: kube-system }
spec:
  hostNetwork: true
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --advertise-address=10.0.0.1
${flags.map((flag) => `    - ${flag}`).join('\n')}
    volumeMounts:
    - { name: audit, mountPath: ${mountPath} }
    - { name: certs, mountPath: /etc/kubernetes/pki, readOnly: true }
  volumes:
  - { name: audit, hostPath: { path: ${hostPath} } }
  - { name: certs, hostPath: { path: /etc/kubernetes/pki } }
`;
}

const GOOD = [
  `--audit-log-path=${LOG}`,
  '--audit-log-maxsize=100',
  '--audit-log-maxbackup=10',
  '--audit-log-maxage=30',
];

function found(files: Readonly<Record<string, string>>, source = LOG): readonly string[] {
  return checkControlPlane([follow(source)], node(files)).map(({ level, text }) => `${level}: ${text}`);
}

function said(...flags: readonly string[]): string {
  return found({ [MANIFEST]: staticPod(flags) }).join('\n');
}

describe('the API server’s own flags', () => {
  it('that write to standard output are good where the files of kubelet are followed', () => {
    const pods = '/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log';
    const source = sourceSchema.parse({ name: 'api', type: 'file', format: 'cri', path: pods }) as FileSourceConfig;
    const [finding] = checkControlPlane([source], node({ [MANIFEST]: staticPod(['--audit-log-path=-']) }));
    expect(finding).toMatchObject({ level: 'ok', text: expect.stringContaining('standard output') });
  });

  it('a good manifest is good', () => {
    expect(found({ [MANIFEST]: staticPod(GOOD), [LOG]: '' })).toEqual([
      `ok: ${MANIFEST} (kubeadm): --audit-log-path is ${LOG} on this node`,
    ]);
  });

  it('are warned of where they lose something', () => {
    const [logPath = ''] = GOOD;
    expect(said()).toContain('started without --audit-log-path');
    expect(said('--audit-log-path=-')).toContain('standard output');
    expect(said(logPath)).toContain('neither --audit-log-maxbackup nor --audit-log-maxage');
    expect(said(logPath, '--audit-log-maxbackup=1', '--audit-log-maxsize=5')).toContain('1 backups of 5 MB are all');
    expect(said(logPath, '--audit-log-maxsize=2000000000')).toContain('never rotates');
    expect(said(...GOOD, '--audit-log-mode=batch')).toContain('--audit-log-mode=batch drops events');
    expect(said(...GOOD, '--audit-log-format=legacy')).toContain('writes no JSON');
    expect(said(...GOOD, '--audit-log-truncate-enabled')).toContain('takes the bodies of large events away');
    expect(said(...GOOD)).not.toContain('warning');
  });

  it('say how long the backups last, by the pace at which they are made', () => {
    const backups = [0, 5, 10].map(
      (minute) => `/var/log/kubernetes/audit/audit-2026-11-23T04-${String(minute).padStart(2, '0')}-00.000.log`,
    );
    const files = Object.fromEntries(backups.map((name) => [name, '{}']));
    expect(found({ ...files, [LOG]: '', [MANIFEST]: staticPod(GOOD) }).join('\n')).toContain(
      'backups last for about 50 minutes',
    );
  });

  it('are those of the node: a path in the container is another one', () => {
    const manifest = staticPod(
      ['--audit-log-path=/logs/audit.log', '--audit-log-maxbackup=10'],
      '/logs',
      '/var/log/apiserver',
    );
    expect(found({ [MANIFEST]: manifest }, '/var/log/apiserver/audit.log')).toEqual([
      `ok: ${MANIFEST} (kubeadm): --audit-log-path is /var/log/apiserver/audit.log on this node`,
    ]);
    expect(found({ [MANIFEST]: manifest }).join('\n')).toContain('no source follows /var/log/apiserver/audit.log');
  });

  it('a log that is mounted as a single file cannot be rotated', () => {
    const manifest = staticPod(GOOD, LOG, LOG);
    expect(found({ [MANIFEST]: manifest }).join('\n')).toContain('mounted as a single file');
  });

  it('are found in a shell’s command line, apart from their value, and in the configuration of RKE2 and k3s', () => {
    const shell = `spec: { containers: [{ command: [/bin/sh, -c, "exec /usr/local/bin/kube-apiserver --v=2 --audit-log-path '${LOG}' --audit-log-maxbackup=10"] }] }`;
    expect(found({ '/etc/kubernetes/manifests/kube-apiserver.manifest': shell })[0]).toContain(
      `--audit-log-path is ${LOG}`,
    );
    const rke2 = `write-kubeconfig-mode: "0600"\nkube-apiserver-arg:\n- audit-log-path=${LOG}\n- audit-log-maxbackup=10\n`;
    expect(found({ '/etc/rancher/rke2/config.yaml': rke2 })[0]).toContain('(RKE2): --audit-log-path is');
    expect(found({ '/etc/rancher/k3s/config.yaml': 'token: x\n' })).toEqual([]);
  });

  it('a manifest that is none, or another pod’s, says nothing', () => {
    expect(found({ [MANIFEST]: '{{{' })).toEqual([]);
    expect(found({ [MANIFEST]: 'spec: { containers: [{ command: [etcd] }] }' })).toEqual([]);
    expect(found({ [MANIFEST]: '&a [*a, *a]\n' })).toEqual([]);
  });
});

describe('what else is on the node', () => {
  it.each(LAYOUTS.flatMap(({ name, logs }) => logs.map((log) => [name, log] as const)))(
    'on %s the log %s is found',
    (name, log) => {
      const root = node({ [log]: '' });
      expect(usualLogs(root)).toContainEqual({ path: log, layout: name });
      expect(checkControlPlane([follow('/elsewhere/audit.log')], root)).toContainEqual(
        expect.objectContaining({
          level: 'warning',
          text: `${log} is there (as on ${name}), and no source follows it`,
        }),
      );
      expect(checkControlPlane([follow(log)], root)).toEqual([]);
    },
  );

  it('a logrotate that works on the same file is told of', () => {
    const rotate = `/var/log/kubernetes/audit/*.log {\n  daily\n  copytruncate\n}\n`;
    expect(found({ '/etc/logrotate.d/kube': rotate })).toEqual([
      `warning: /etc/logrotate.d/kube rotates ${LOG} with copytruncate, which loses what is written meanwhile`,
    ]);
    expect(found({ '/etc/logrotate.d/kube': `${LOG}{\n weekly\n}` })[0]).toContain(`rotates ${LOG} too`);
    expect(found({ '/etc/logrotate.d/other': '/var/log/other/*.log {\n copytruncate\n}' })).toEqual([]);
  });
});
