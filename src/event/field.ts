/**
 * The fields of an `audit.k8s.io/v1` Event that filters and encoders read, as slots of the scanner's span table.
 * Names and nesting: k8s.io/apiserver/pkg/apis/audit/v1/types.go.
 */
export const FIELDS = [
  'level',
  'auditID',
  'stage',
  'requestURI',
  'verb',
  'user',
  'user.username',
  'user.uid',
  'user.groups',
  'user.extra',
  'impersonatedUser',
  'impersonatedUser.username',
  'impersonatedUser.uid',
  'impersonatedUser.groups',
  'impersonatedUser.extra',
  'sourceIPs',
  'userAgent',
  'objectRef',
  'objectRef.resource',
  'objectRef.namespace',
  'objectRef.name',
  'objectRef.uid',
  'objectRef.apiGroup',
  'objectRef.apiVersion',
  'objectRef.resourceVersion',
  'objectRef.subresource',
  'responseStatus',
  'responseStatus.status',
  'responseStatus.message',
  'responseStatus.reason',
  'responseStatus.code',
  'requestObject',
  'responseObject',
  'requestReceivedTimestamp',
  'stageTimestamp',
  'annotations',
  'kind',
  'apiVersion',
  '@timestamp',
  'metadata',
] as const;

export type FieldName = (typeof FIELDS)[number];

/** Slot of each field in the span table. */
export const SLOT = Object.fromEntries(FIELDS.map((name, slot) => [name, slot])) as {
  readonly [Name in FieldName]: number;
};
