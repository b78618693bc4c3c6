/** What an auditor asks for, by fields of the plain event; each is there in the recorded trail. */
export const SEARCHES: readonly (readonly [what: string, field: string, value: string])[] = [
  ['user', 'user.username', 'system:apiserver'],
  ['verb', 'verb', 'delete'],
  ['resource', 'objectRef.resource', 'secrets'],
  ['namespace', 'objectRef.namespace', 'kube-system'],
  ['name', 'objectRef.name', 'kube-root-ca.crt'],
  ['code', 'responseStatus.code', '201'],
  ['IP', 'sourceIPs', '127.0.0.0/8'],
  ['decision', 'annotations.authorization.k8s.io/decision', 'allow'],
  ['what a body says', 'requestObject.kind', 'Pod'],
];

/** What KQL, as docs/outputs.md shows it, makes of `field : "value"`. */
export function kql(field: string, value: string): unknown {
  return { match_phrase: { [field]: value } };
}
