import type { CheckAlertRules } from './filter-checks.ts';
import type { Environment } from './reference.ts';
import { resolveReference } from './reference.ts';
import type { Report } from './report.ts';
import type { configSchema } from './schema.ts';
import type { z } from 'zod';
import { suggest } from './suggestion.ts';

/** Name of the pipeline of the alert rules, under which its state is filed. */
const RESERVED = 'alerts';

/** What the schema cannot say of the alerts. */
export function checkAlerts(
  { alerts, outputs }: Pick<z.output<typeof configSchema>, 'alerts' | 'outputs'>,
  { environment, checkAlertRules }: { readonly environment: Environment; readonly checkAlertRules?: CheckAlertRules },
  report: Report,
): void {
  if (alerts === undefined) return;
  for (const [at, output] of outputs.entries()) {
    if (output.name.toLowerCase() !== RESERVED) continue;
    report({ path: ['outputs', at, 'name'], message: 'is taken: the state of the alert rules is filed under it' });
  }
  const names = new Map<string, number>();
  for (const [at, receiver] of alerts.receivers.entries()) {
    const path = ['alerts', 'receivers', at];
    const before = names.get(receiver.name);
    if (before === undefined) names.set(receiver.name, at);
    else report({ path: [...path, 'name'], message: `receivers[${before}] is called that already` });
    if (receiver.type === 'output') {
      const known = outputs.map(({ name }) => name);
      if (known.includes(receiver.output)) continue;
      const meant = suggest(receiver.output, known);
      const end = meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
      report({ path: [...path, 'output'], message: `no output is called ${JSON.stringify(receiver.output)}; ${end}` });
    } else if (receiver.type === 'slack') {
      const { url } = receiver;
      if (typeof url === 'string') {
        const message = 'is a secret in plain text; { env: NAME } or { file: PATH } keeps it out of this file';
        report({ path: [...path, 'url'], level: 'warning', message });
      }
      const resolved = resolveReference(url, environment);
      if ('problem' in resolved) report({ path: [...path, 'url'], message: resolved.problem });
      else if (!/^https?:\/\//.test(resolved.text) || !URL.canParse(resolved.text)) {
        report({ path: [...path, 'url'], message: 'must be an http:// or https:// URL' });
      }
    }
  }
  if (alerts.receivers.length === 0) {
    const message = 'has no receivers: alerts show in the metrics and the status only';
    report({ path: ['alerts'], level: 'warning', message });
  }
  for (const problem of checkAlertRules?.(alerts) ?? []) {
    report({
      ...problem,
      path: ['alerts', 'rules'],
      ...(problem.place.line > 0 ? { elsewhere: problem } : { message: `${problem.place.text}: ${problem.message}` }),
    });
  }
}
