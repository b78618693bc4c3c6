import type { ASTNode } from '@marcbachmann/cel-js';
import { Environment } from '@marcbachmann/cel-js';
import { SLOT } from '../event/field.ts';
import { withAddresses } from './ip.ts';

/** How a field of the event reads in an expression; where it is unset, it reads as the zero value of that. */
export type Kind = 'string' | 'int' | 'list<string>' | 'map<string, string>' | 'map<string, list<string>>' | 'dyn';

export interface Field {
  readonly slot: number;
  readonly kind: Kind;
}

const USER = { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' } as const;

/** The fields of `audit.k8s.io/v1` Event that an expression can name (k8s.io/apiserver/pkg/apis/audit/v1/types.go). */
const SCHEMA = {
  kind: 'string',
  apiVersion: 'string',
  level: 'string',
  auditID: 'string',
  stage: 'string',
  requestURI: 'string',
  verb: 'string',
  user: USER,
  impersonatedUser: USER,
  sourceIPs: 'list<string>',
  userAgent: 'string',
  objectRef: {
    resource: 'string',
    namespace: 'string',
    name: 'string',
    uid: 'string',
    apiGroup: 'string',
    apiVersion: 'string',
    resourceVersion: 'string',
    subresource: 'string',
  },
  responseStatus: { status: 'string', message: 'string', reason: 'string', code: 'int' },
  requestObject: 'dyn',
  responseObject: 'dyn',
  requestReceivedTimestamp: 'string',
  stageTimestamp: 'string',
  annotations: 'map<string, string>',
} as const satisfies Readonly<Record<string, Kind | Readonly<Record<string, Kind>>>>;

const FIELDS: ReadonlyMap<string, Field> = new Map(
  Object.entries(SCHEMA).flatMap(([name, kind]): [string, Field][] =>
    typeof kind === 'string'
      ? [[name, { slot: slotOf(name), kind }]]
      : Object.entries(kind).map(([child, of]) => [`${name}.${child}`, { slot: slotOf(`${name}.${child}`), kind: of }]),
  ),
);

let declared: Environment | undefined;

/** Checks the names and types of expressions; nothing is evaluated in it. Made when it is first asked for. */
export function vocabulary(): Environment {
  declared ??= declare();
  return declared;
}

function declare(): Environment {
  const environment = withAddresses(new Environment());
  for (const [name, kind] of Object.entries(SCHEMA)) {
    environment.registerVariable(name, typeof kind === 'string' ? { type: kind } : { schema: kind });
  }
  return environment;
}

function slotOf(name: string): number {
  const slot = (SLOT as Readonly<Record<string, number>>)[name];
  if (slot === undefined) throw new Error(`the scanner does not know ${name}`);
  return slot;
}

/** Whether a top-level field of the event is called so. */
export function isFieldName(name: string): boolean {
  return Object.hasOwn(SCHEMA, name);
}

/** Whether it is one of those that only hold fields: `user`, `objectRef` … */
export function isObjectName(name: string): boolean {
  return isFieldName(name) && typeof SCHEMA[name as keyof typeof SCHEMA] !== 'string';
}

/** The field that a node names as a whole: `verb`, `user.groups`, `objectRef["name"]`. */
export function fieldOf(node: ASTNode): Field | undefined {
  if (node.op === 'id') return FIELDS.get(node.args);
  const key = keyOf(node);
  if (key === undefined || key.of.op !== 'id') return undefined;
  return FIELDS.get(`${key.of.args}.${key.name}`);
}

/** What a node takes by a name that is written out: `x.name`, `x["name"]`. */
export function keyOf(node: ASTNode): { readonly of: ASTNode; readonly name: string } | undefined {
  if (node.op === '.') return { of: node.args[0], name: node.args[1] };
  if (node.op !== '[]') return undefined;
  const [of, index] = node.args;
  return index.op === 'value' && typeof index.args === 'string' ? { of, name: index.args } : undefined;
}
