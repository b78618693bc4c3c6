import type { JsonWalk } from './json-walk.ts';

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
export function fits(walk: JsonWalk, start: number, shape: Shape, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  const { bytes } = walk;
  const first = bytes[start];
  if (first === NULL) return true;
  if (first === OPEN_ARRAY) return walk.elements(start, (at) => fits(walk, at, shape, depth + 1));
  if (shape === 'any') return first === OPEN_OBJECT;
  if (typeof shape === 'string') {
    if (first === OPEN_OBJECT) return false;
    return shape !== 'boolean' || first === TRUE || first === FALSE;
  }
  if (first !== OPEN_OBJECT) return false;
  return walk.members(start, (keyStart, keyEnd, at) => {
    const key = bytes.toString('latin1', keyStart, keyEnd);
    // A server reads dots as nesting, and refuses a name of nothing but white space.
    if (key.includes('.') || key.includes('\\') || key.trim() === '') return false;
    const part = Object.hasOwn(shape, key) ? shape[key] : undefined;
    return part === undefined || fits(walk, at, part, depth + 1);
  });
}

/** Lists in lists in lists: nothing that a published type has. */
const MAX_DEPTH = 32;

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const NULL = 0x6e;
const TRUE = 0x74;
const FALSE = 0x66;
