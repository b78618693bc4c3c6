import { basename } from 'node:path';
import { openAlertRules } from './alert-rules.ts';

const TECHNIQUES = 'https://attack.mitre.org/techniques/';

/** The page of the rules in a directory, one section each: docs/alert-rules.md. Throws where they are not sound. */
export function renderAlertPages(directory: string): string {
  const { rules, problems } = openAlertRules({ rules: [directory], overrides: {} });
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`${problem.place.text} ${problem.message}`);
  const rows = rules.map(
    ({ name, config, kind }) =>
      `| [${name}](#${name}) | ${config.severity} | ${kind.type} | ${config.techniques.join(', ')} |`,
  );
  const sections = rules.map(({ name, config }) => {
    const techniques = config.techniques.map((id) => `[${id}](${TECHNIQUES}${id.replace('.', '/')}/)`).join(', ');
    const lines = [
      `### ${name}`,
      '',
      config.description,
      '',
      `- **Severity**: ${config.severity}. **Technique**: ${techniques}.`,
      `- **What to do**: ${config.action ?? ''}`,
      `- **What else looks like it**: ${config.falsePositives ?? ''}`,
      ...(config.references.length === 0
        ? []
        : [`- **Published rules that look for the same**: ${config.references.join('; ')}.`]),
    ];
    return lines.join('\n');
  });
  return `# Alert rules of the pack

<!-- Generated from config/${basename(directory)} by \`npm run generate\`. -->

The rules in \`config/alerts/\`, written for auditail. Each was tried on events that a real API server wrote: an attack that it must
tell, and near misses that it must not (\`test/support/attack-session.ts\`). How rules work: [alerts.md](alerts.md). Make exceptions with
\`alerts.overrides\` rather than in the files, so that new versions of the pack can take their place.

Rules that ask for the content of objects (pods, bindings, roles, services) see nothing where the audit policy has the level Metadata for them.

| rule | severity | kind | technique |
| --- | --- | --- | --- |
${rows.join('\n')}

${sections.join('\n\n')}
`;
}
