import type { AlertRuleStatus } from '../inspect/status.ts';
import type { Engine } from './engine.ts';
import type { Rule } from './rule.ts';

/** How the rules stand, in their order. */
export function statusOf(engine: Engine, rules: readonly Rule[]): { readonly rules: readonly AlertRuleStatus[] } {
  return {
    rules: rules.map(({ name, config, kind }) => {
      const state = engine.states.get(name);
      const lastMs = state?.lastMs ?? 0;
      return {
        name,
        severity: config.severity,
        kind: kind.type,
        enabled: config.enabled,
        matches: state?.matches ?? 0,
        notifications: state?.notifications ?? 0,
        late: state?.late ?? 0,
        firing: state?.alerts.size ?? 0,
        groups: state?.groups ?? 0,
        evicted: state?.evicted ?? 0,
        lastAt: lastMs === 0 ? '' : new Date(lastMs).toISOString(),
      };
    }),
  };
}
