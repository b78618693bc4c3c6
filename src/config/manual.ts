import { stringify } from 'yaml';
import * as z from 'zod';
import { alertRuleSchema } from './alert-rule-schema.ts';
import { configJsonSchema } from './json-schema.ts';
import { SETTING_NAMES, SETTINGS, variableOf } from './settings.ts';

type Schema = z.core.JSONSchema.JSONSchema;

interface Row {
  readonly key: string;
  readonly text: string;
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/config by \`npm run generate\`. -->

One YAML file: \`auditail --config auditail.yaml\`, or the variable \`AUDITAIL_CONFIG\`, or \`/etc/auditail/auditail.yaml\` where neither is given
and no flag names a source or an output. \`auditail check --config auditail.yaml\` says all that is wrong with it, with line and column.
\`config/auditail.yaml\` is a commented example; its first line lets editors check it against \`config/auditail.schema.json\`.

Sizes are written as in Kubernetes (\`4Mi\`, also \`4MiB\`, or a number of bytes), durations with their unit (\`250ms\`, \`1s\`, \`1m30s\`, \`7d\`).
A *reference* is the text itself, or \`{ env: NAME }\` for an environment variable, or \`{ file: PATH }\` for a file that is read again when it changes.
Nothing is ever filled into text: \`\${NAME}\` is refused.
`;

const SETTINGS_TEXT = `## Flags and environment

Enough for one source and one output without a file. A flag wins over its variable, and both win over the file.

- Those that name the source or the output change the file's only one, or make one where the file has none. A file with several of either is
  refused together with them: nobody could say which one is meant. Nor do they change the \`type\` of what the file says.
- \`--audit-log-path\` and \`--stdin\` exclude each other; one as a flag wins over the other as a variable.
- A source from here is named \`kube-apiserver\` (or \`stdin\`), an output by its type. The state is filed under these names.
`;

/** The reference of all keys, as docs/configuration.md has it. */
export function renderManual(): string {
  const schema = configJsonSchema();
  const { sources, outputs, ...rest } = properties(schema);
  const top = rows({ ...schema, properties: rest });
  const sections = [
    INTRODUCTION,
    `## Top level\n\n\`sources\` and \`outputs\` are lists, below.\n\n${table(top)}`,
    ...variants('Sources', itemsOf(sources)),
    ...variants('Outputs', itemsOf(outputs)),
    ...variants('Alert receivers', itemsOf(properties(rest['alerts'] ?? {})['receivers'])),
    ruleSection(),
    SETTINGS_TEXT + settingsTable(),
  ];
  return `${sections.map((section) => section.trimEnd()).join('\n\n')}\n`;
}

function properties(schema: Schema): Readonly<Record<string, Schema>> {
  return (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
}

function itemsOf(list: Schema | undefined): readonly Schema[] {
  const items = list?.items as Schema | undefined;
  return (items?.oneOf ?? []) as readonly Schema[];
}

/** Keys that several types share are told once. */
function variants(title: string, types: readonly Schema[]): readonly string[] {
  const groups = new Map<string, Row[]>();
  const names = types.map((type) => String(properties(type)['type']?.const));
  const tables = types.map((type) => rows(type).filter(({ key }) => key !== 'type'));
  for (const row of tables.flat()) {
    const owners = names.filter((_, at) => tables[at]?.some(({ text }) => text === row.text)).join(', ');
    const group = groups.get(owners) ?? [];
    if (!group.some(({ text }) => text === row.text)) group.push(row);
    groups.set(owners, group);
  }
  const every = names.join(', ');
  const kinds = types.map(
    (type, at) => `| \`${names[at]}\` | ${escapePipes(properties(type)['type']?.description ?? '')} |`,
  );
  return [
    `## ${title}\n\n| type | |\n| --- | --- |\n${kinds.join('\n')}`,
    ...[...groups]
      .sort(([a], [b]) => b.split(',').length - a.split(',').length)
      .map(
        ([owners, group]) => `### ${title} of ${owners === every ? 'every type' : `type ${owners}`}\n\n${table(group)}`,
      ),
  ];
}

function rows(schema: Schema, prefix = ''): readonly Row[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(properties(schema)).flatMap(([key, part]) => {
    const name = prefix + key;
    const nested = part.type === 'object' && part.properties !== undefined ? rows(part, `${name}.`) : [];
    const preset = nested.length > 0 ? '' : required.has(key) && prefix === '' ? '**required**' : presetOf(part);
    return [
      { key: name, text: `| \`${name}\` | ${kindOf(part)} | ${preset} | ${escapePipes(part.description ?? '')} |` },
      ...nested,
      ...itemRows(part, name),
    ];
  });
}

function itemRows(schema: Schema, name: string): readonly Row[] {
  const items = schema.items as Schema | undefined;
  return items?.properties === undefined ? [] : rows(items, `${name}[].`);
}

function presetOf(schema: Schema): string {
  const preset = schema.default;
  if (preset === undefined || (typeof preset === 'object' && Object.keys(preset as object).length === 0)) return '';
  return `\`${stringify(preset, { collectionStyle: 'flow' }).trim()}\``;
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.title !== undefined) return schema.title.replace('reference', '*reference*');
  switch (schema.type) {
    case 'array':
      return ['properties', 'oneOf'].some((key) => Object.hasOwn((schema.items ?? {}) as object, key))
        ? 'list'
        : `list of ${kindOf(schema.items as Schema)}`;
    case 'object':
      return schema.properties === undefined ? mappingTo(schema.additionalProperties as Schema) : '';
    case 'integer':
      return `${schema.minimum} to ${schema.maximum}`;
    case 'boolean':
      return '`true`, `false`';
    default:
      return 'text';
  }
}

function mappingTo(values: Schema): string {
  return values.type === 'object' ? 'mapping' : `mapping to ${kindOf(values)}`;
}

/** The keys of a rule, as they stand in its file. */
function ruleSection(): string {
  const schema = z.toJSONSchema(alertRuleSchema, { io: 'input', unrepresentable: 'any' });
  return `## Alert rules\n\nFiles that \`alerts.rules\` names: \`rules:\`, a list of these. [alerts.md](alerts.md) tells what they do.\n\n${table(rows(schema))}`;
}

/** A bar ends a cell, even within code. */
function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|');
}

function table(content: readonly Row[]): string {
  return ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...content.map(({ text }) => text)].join(
    '\n',
  );
}

function settingsTable(): string {
  const lines = SETTING_NAMES.map((name) => {
    const { flag, argument, about } = SETTINGS[name];
    const usage = argument === '' ? flag : `${flag} ${argument}`;
    return `| \`${escapePipes(usage)}\` | \`${variableOf(name)}\` | ${about} |`;
  });
  return [
    '',
    '| flag | variable | |',
    '| --- | --- | --- |',
    '| `--config <file>` | `AUDITAIL_CONFIG` | the configuration file |',
    ...lines,
  ].join('\n');
}
