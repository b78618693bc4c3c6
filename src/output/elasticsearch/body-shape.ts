import { itemsOf, membersOf } from '../../event/json-walk.ts';

/** What a mapped field of a body may hold: text or a list of them, `any` for an object of any shape, or fields of its own. */
export type Shape = 'keyword' | 'text' | 'boolean' | 'integer' | 'any' | { readonly [key: string]: Shape };

const SECURITY_CONTEXT: Shape = {
  runAsUser: 'integer',
  runAsGroup: 'integer',
  runAsNonRoot: 'boolean',
};

/** The fields of request and response bodies that Elastic publishes a type for, of a pod, a service, a role and a binding. */
export const BODY_SHAPE: Shape = {
  roleRef: { kind: 'keyword', name: 'keyword' },
  rules: {
    apiGroups: 'keyword',
    resources: 'keyword',
    resourceNames: 'keyword',
    nonResourceURLs: 'keyword',
    verbs: 'keyword',
  },
  spec: {
    type: 'keyword',
    serviceAccountName: 'keyword',
    restartPolicy: 'keyword',
    hostNetwork: 'boolean',
    hostIPC: 'boolean',
    hostPID: 'boolean',
    securityContext: SECURITY_CONTEXT,
    volumes: { hostPath: 'any' },
    containers: {
      image: 'text',
      volumeMounts: 'any',
      securityContext: {
        ...SECURITY_CONTEXT,
        privileged: 'boolean',
        allowPrivilegeEscalation: 'boolean',
        procMount: 'keyword',
        capabilities: { add: 'keyword' },
      },
    },
  },
};

/**
 * Whether a server would take the body at `start` under these types. A client can send anything as a body, a patch above all; one that
 * does not fit would have its whole event refused, and hide it from whoever watches. Looks only at what is mapped.
 */
export function fits(bytes: Buffer, start: number, shape: Shape, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  const first = bytes[start];
  if (first === NULL) return true;
  if (first === OPEN_ARRAY) {
    for (const at of itemsOf(bytes, start)) if (!fits(bytes, at, shape, depth + 1)) return false;
    return true;
  }
  if (shape === 'any') return first === OPEN_OBJECT;
  if (typeof shape === 'string') {
    if (first === OPEN_OBJECT) return false;
    return shape !== 'boolean' || first === TRUE || first === FALSE;
  }
  if (first !== OPEN_OBJECT) return false;
  for (const member of membersOf(bytes, start)) {
    const key = bytes.toString('latin1', member.start + 1, member.keyEnd);
    // A server reads dots as nesting, and refuses a name of nothing but white space.
    if (key.includes('.') || key.includes('\\') || key.trim() === '') return false;
    const part = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (part !== undefined && !fits(bytes, member.value, part, depth + 1)) return false;
  }
  return true;
}

/** Lists in lists in lists: nothing that a published type has. */
const MAX_DEPTH = 32;

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const NULL = 0x6e;
const TRUE = 0x74;
const FALSE = 0x66;
