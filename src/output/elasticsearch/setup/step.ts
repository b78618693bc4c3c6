/** One thing on the server that setup looks after, and what is to be done about it. */
export interface Step {
  /** `index template auditail-audit`. */
  readonly what: string;
  /**
   * `same`: as it should be. `refused`: not without somebody's decision. `unsupported`: the server has no such thing. `unknown`: the
   * server would not say.
   */
  readonly change: 'create' | 'change' | 'remove' | 'same' | 'unsupported' | 'refused' | 'unknown';
  /** What would change, `+ path: value` and `- path: value`. */
  readonly lines: readonly string[];
  readonly words?: string;
  readonly request?: { readonly method: 'PUT' | 'POST' | 'DELETE'; readonly path: string; readonly body?: unknown };
}
