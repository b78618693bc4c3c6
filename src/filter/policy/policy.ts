/** How much of a request is recorded, lowest first: k8s.io/apiserver/pkg/apis/audit/v1/types.go. */
export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof LEVELS)[number];

export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof STAGES)[number];

/** Where something stands in the text of a policy, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Resources of one API group; an empty list of `resources` stands for all of them. */
export interface GroupResources {
  /** The empty string is the core group. */
  readonly group: string;
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** One rule. All its conditions must hold; an empty list is no condition. */
export interface PolicyRule {
  readonly level: Level;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly namespaces: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly Stage[];
  /** Unset: what the policy says counts. */
  readonly omitManagedFields: boolean | undefined;
  readonly place: Place;
}

/** An `audit.k8s.io/v1` Policy as the API server holds it after reading: the first rule that matches decides. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

/** Something in a policy that has to be mended (`error`), or that a person should know of (`warning`). */
export interface PolicyFinding extends Place {
  readonly level: 'error' | 'warning';
  /** As a person writes it: `rules[3].resources[0].group`; empty for the policy as a whole. */
  readonly path: string;
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string;
}

/** Whether a rule says anything of which API resources it is for. */
export function isForResources(rule: PolicyRule): boolean {
  return rule.namespaces.length > 0 || rule.resources.length > 0;
}
