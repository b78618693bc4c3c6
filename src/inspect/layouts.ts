/** Where a distribution keeps the audit log of its API server, and what it starts the API server with. */
export interface Layout {
  readonly name: string;
  /** The log, on the node. */
  readonly logs: readonly string[];
  /** A static pod's manifest, or a configuration with `kube-apiserver-arg`. */
  readonly manifests: readonly string[];
}

/** As their documentation and their own start scripts have it. Where an administrator chooses the path, the usual one. */
export const LAYOUTS: readonly Layout[] = [
  {
    name: 'kubeadm',
    logs: ['/var/log/kubernetes/audit/audit.log', '/var/log/kubernetes/audit.log', '/var/log/kube-audit/audit.log'],
    manifests: ['/etc/kubernetes/manifests/kube-apiserver.yaml'],
  },
  {
    name: 'OpenShift',
    logs: [
      '/var/log/kube-apiserver/audit.log',
      '/var/log/openshift-apiserver/audit.log',
      '/var/log/oauth-apiserver/audit.log',
      '/var/log/oauth-server/audit.log',
    ],
    manifests: ['/etc/kubernetes/manifests/kube-apiserver-pod.yaml'],
  },
  {
    name: 'RKE2',
    logs: ['/var/lib/rancher/rke2/server/logs/audit.log'],
    manifests: ['/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml', '/etc/rancher/rke2/config.yaml'],
  },
  {
    name: 'k3s',
    logs: ['/var/lib/rancher/k3s/server/logs/audit.log'],
    manifests: ['/etc/rancher/k3s/config.yaml'],
  },
  { name: 'Talos', logs: ['/var/log/audit/kube/kube-apiserver.log'], manifests: [] },
  {
    name: 'kOps',
    logs: ['/var/log/kube-apiserver-audit.log'],
    manifests: ['/etc/kubernetes/manifests/kube-apiserver.manifest'],
  },
];
