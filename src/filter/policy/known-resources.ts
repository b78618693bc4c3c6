/**
 * The resources that kube-apiserver serves itself, with their subresources but for `status`: what a policy names beside
 * them may come from a CustomResourceDefinition or an aggregated server. From the discovery of v1.34.
 */
const SERVED: Readonly<Record<string, string>> = {
  '': `bindings componentstatuses configmaps endpoints events limitranges namespaces(finalize) nodes(proxy)
    persistentvolumeclaims persistentvolumes podtemplates
    pods(attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize)
    replicationcontrollers(scale) resourcequotas secrets serviceaccounts(token) services(proxy)`,
  'admissionregistration.k8s.io': `mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations
    validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations`,
  'apiextensions.k8s.io': 'customresourcedefinitions',
  'apiregistration.k8s.io': 'apiservices',
  apps: 'controllerrevisions daemonsets deployments(scale) replicasets(scale) statefulsets(scale)',
  'authentication.k8s.io': 'selfsubjectreviews tokenreviews',
  'authorization.k8s.io':
    'localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews',
  autoscaling: 'horizontalpodautoscalers',
  batch: 'cronjobs jobs',
  'certificates.k8s.io': 'certificatesigningrequests(approval) clustertrustbundles podcertificaterequests',
  'coordination.k8s.io': 'leases leasecandidates',
  'discovery.k8s.io': 'endpointslices',
  'events.k8s.io': 'events',
  'flowcontrol.apiserver.k8s.io': 'flowschemas prioritylevelconfigurations',
  'internal.apiserver.k8s.io': 'storageversions',
  'metrics.k8s.io': 'nodes pods',
  'networking.k8s.io': 'ingressclasses ingresses ipaddresses networkpolicies servicecidrs',
  'node.k8s.io': 'runtimeclasses',
  policy: 'poddisruptionbudgets',
  'rbac.authorization.k8s.io': 'clusterrolebindings clusterroles rolebindings roles',
  'resource.k8s.io': 'deviceclasses resourceclaims resourceclaimtemplates resourceslices devicetaintrules',
  'scheduling.k8s.io': 'priorityclasses',
  'storage.k8s.io': 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses',
  'storagemigration.k8s.io': 'storageversionmigrations',
};

/** Subresources of each resource of each group. */
const RESOURCES: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map(
  Object.entries(SERVED).map(([group, text]) => [group, new Map(text.split(/\s+/).map(resourceOf))]),
);

function resourceOf(text: string): readonly [string, readonly string[]] {
  const [name = '', subresources = ''] = text.split(/[()]/);
  return [name, subresources === '' ? ['status'] : ['status', ...subresources.split(',')]];
}

/** Whether a group is one that kube-apiserver serves by itself, so that all its resources are known. */
export function isKnownGroup(group: string): boolean {
  return RESOURCES.has(group);
}

/** The known resources of a group. */
export function resourcesOf(group: string): readonly string[] {
  return [...(RESOURCES.get(group)?.keys() ?? [])];
}

/** The subresources of a resource beside `status`; `undefined` where the resource is not known. */
export function subresourcesOf(group: string, resource: string): readonly string[] | undefined {
  return RESOURCES.get(group)?.get(resource);
}

/** The groups that serve a resource. */
export function groupsOf(resource: string): readonly string[] {
  return [...RESOURCES].filter(([, resources]) => resources.has(resource)).map(([group]) => group);
}
