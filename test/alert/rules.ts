import { Engine, type Input } from '../../src/alert/engine.ts';
import { compileRule } from '../../src/alert/compile-rule.ts';
import { Matcher } from '../../src/alert/matcher.ts';
import type { Notification } from '../../src/alert/notification.ts';
import type { Rule } from '../../src/alert/rule.ts';
import { plain, render } from '../../src/alert/template.ts';
import { alertRuleSchema } from '../../src/config/alert-rule-schema.ts';
import { EventView } from '../../src/event/event-view.ts';
import { compileConjuncts } from '../../src/filter/expression.ts';

export const BEGIN_MS = Date.parse('2026-11-23T10:00:00Z');

/** A rule from what is written of it; what every rule must have is filled in. */
export function rule(written: Readonly<Record<string, unknown>>): Rule {
  const config = alertRuleSchema.parse({ severity: 'high', description: 'd', summary: 's', name: 'r', ...written });
  const compiled = compileRule(config, compileConjuncts);
  if (Array.isArray(compiled)) throw new Error(JSON.stringify(compiled));
  return compiled as Rule;
}

/** A line of the trail; `at` is in seconds from the beginning. */
export function line(at: number, fields: Readonly<Record<string, unknown>> = {}): string {
  const time = new Date(BEGIN_MS + at * 1000).toISOString();
  const { user = 'alice', verb = 'get', resource = 'secrets', namespace = 'shop', name = 'db', code = 200 } = fields;
  const { subresource, stage = 'ResponseComplete', auditID = `id-${at}-${String(user)}-${String(name)}` } = fields;
  const { sourceIPs = ['10.1.2.3'], userAgent = 'kubectl', body, groups = [], annotations } = fields;
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID,
    stage,
    requestURI: `/api/v1/namespaces/${String(namespace)}/${String(resource)}/${String(name)}`,
    verb,
    user: { username: user, groups },
    sourceIPs,
    userAgent,
    objectRef: { resource, namespace, name, subresource },
    responseStatus: { code },
    requestObject: body,
    requestReceivedTimestamp: fields['received'] ?? time,
    stageTimestamp: time,
    annotations,
  });
}

/** Rules at work, without files or network. */
export class Bench {
  readonly engine: Engine;
  readonly matcher: Matcher;
  readonly inputs: Input[] = [];
  readonly told: Notification[] = [];
  readonly #view = new EventView();
  #offset = 0;

  constructor(rules: readonly Rule[], limits: { maxGroups?: number; maxValues?: number } = {}) {
    this.engine = new Engine({
      source: 'audit',
      limits: { maxGroups: 1000, maxValues: 1000, toleranceMs: 30_000, ...limits },
    });
    this.engine.use(rules);
    this.matcher = new Matcher(rules, this.engine);
  }

  /** Reads a line; gives the texts of what is told because of it. */
  see(text: string): string[] {
    const bytes = Buffer.from(text);
    if (this.#view.read(bytes, 0, bytes.length) !== null) throw new Error('no event');
    this.#offset += bytes.length;
    if (!this.matcher.judge(this.#view)) return [];
    const found = this.matcher.found(this.#view, { bytes, start: 0, end: bytes.length });
    return this.apply({ type: 'found', found: [{ ...found, occurrence: `${this.#offset}-${found.occurrence}` }] });
  }

  tick(at: number, silent: readonly string[] = [], heard: readonly string[] = []): string[] {
    const nowMs = BEGIN_MS + at * 1000;
    const since = silent.map((name) => ({ rule: name, sinceMs: nowMs - 60_000 }));
    return this.apply({ type: 'tick', nowMs, silent: since, heard });
  }

  apply(input: Input): string[] {
    this.inputs.push(input);
    const told = this.engine.apply(input);
    this.told.push(...told);
    return told.map(({ status, rule: name, summary }) => `${status} ${name}: ${render(summary, plain)}`);
  }
}
