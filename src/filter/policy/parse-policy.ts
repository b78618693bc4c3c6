import { LEVELS, type Level, type Policy, type PolicyRule, STAGES, type Stage } from './policy.ts';
import { readPolicyText, type Written } from './policy-text.ts';
import { readResources, resourcesHint } from './parse-resources.ts';
import { meant } from './spelling.ts';
import { type ParsedPolicy, WrittenReader } from './written-reader.ts';

const POLICY_FIELDS = ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'];
const RULE_FIELDS = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
];
const METADATA_TEXTS = ['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion'];
const METADATA_TIMES = ['creationTimestamp', 'deletionTimestamp'];
const METADATA_NUMBERS = ['generation', 'deletionGracePeriodSeconds'];
const METADATA_MAPS = ['labels', 'annotations'];
const METADATA_LISTS = ['ownerReferences', 'finalizers', 'managedFields'];
const METADATA_FIELDS = [METADATA_TEXTS, METADATA_TIMES, METADATA_NUMBERS, METADATA_MAPS, METADATA_LISTS].flat();

const API_VERSION = 'audit.k8s.io/v1';

export interface ParseOptions {
  /** Takes unknown fields and fields that stand twice with a warning, as the API server does. */
  readonly lenient?: boolean;
}

/**
 * Reads an `audit.k8s.io/v1` Policy, YAML or JSON, and checks it as the API server does at its start
 * (k8s.io/apiserver/pkg/audit/policy/reader.go and apis/audit/validation). What it would only warn of is an error here,
 * unless `lenient`.
 */
export function parsePolicy(text: string, { lenient = false }: ParseOptions = {}): ParsedPolicy {
  const { root, isJson, findings } = readPolicyText(text);
  const reader = new WrittenReader(lenient, isJson);
  reader.findings.push(...findings);
  if (findings.length === 0) return reader.result(readPolicy(reader, root));
  return { ok: false, findings };
}

function readPolicy(reader: WrittenReader, root: Written | undefined): Policy {
  const nothing: Policy = { rules: [], omitStages: [], omitManagedFields: false };
  if (root === undefined || root.type === 'null') {
    reader.error({ line: 1, column: 1 }, '', 'is empty', `Begin with apiVersion: ${API_VERSION} and rules:`);
    return nothing;
  }
  if (root.type === 'list') {
    reader.error(root, '', 'is a list; a policy is an object', 'Put the list below rules:');
    return nothing;
  }
  const fields = reader.fields(root, '', POLICY_FIELDS, ({ key }) =>
    RULE_FIELDS.includes(key) ? `${key} belongs into a rule, below rules:` : wrapperHint(key),
  );
  checkType(reader, root, fields);
  readMetadata(reader, fields.get('metadata'));
  const written = fields.get('rules');
  const rules = reader.items(written, 'rules').map((rule, at) => readRule(reader, rule, `rules[${at}]`));
  if (rules.length === 0 && (written === undefined || written.type === 'null' || written.type === 'list')) {
    reader.error(
      written ?? root,
      'rules',
      'there are no rules',
      'Write rules: with one at least, as - level: Metadata',
    );
  }
  return {
    rules,
    omitStages: readStages(reader, fields.get('omitStages'), 'omitStages'),
    omitManagedFields: reader.boolean(fields.get('omitManagedFields'), 'omitManagedFields') ?? false,
  };
}

function wrapperHint(key: string): string | undefined {
  return ['data', 'policy', 'spec'].includes(key)
    ? 'A policy stands by itself in its file: apiVersion and rules are not indented.'
    : undefined;
}

function checkType(reader: WrittenReader, root: Written, fields: ReadonlyMap<string, Written>): void {
  const written = fields.get('apiVersion');
  const apiVersion = reader.text(written, 'apiVersion');
  const hint = `Write apiVersion: ${API_VERSION}`;
  if (written === undefined || written.type === 'null' || (written.type === 'text' && apiVersion === '')) {
    reader.error(written ?? root, 'apiVersion', 'is missing', hint);
  } else if (written.type === 'text' && apiVersion !== API_VERSION) {
    reader.error(written, 'apiVersion', `"${apiVersion}" is not what API servers read`, hint);
  }
  const kind = reader.text(fields.get('kind'), 'kind');
  if (kind !== '' && kind !== 'Policy') {
    reader.error(fields.get('kind') as Written, 'kind', `"${kind}" is no policy`, 'Write kind: Policy');
  }
}

/** It decides nothing, but the API server does not start with values of wrong types in it. */
function readMetadata(reader: WrittenReader, written: Written | undefined): void {
  if (written === undefined) return;
  const fields = reader.fields(written, 'metadata', METADATA_FIELDS);
  for (const [name, value] of fields) {
    const path = `metadata.${name}`;
    if (METADATA_TEXTS.includes(name)) reader.text(value, path);
    else if (name === 'finalizers') reader.texts(value, path);
    else if (METADATA_LISTS.includes(name)) reader.items(value, path);
    else if (METADATA_TIMES.includes(name)) {
      const time = reader.text(value, path);
      if (time !== '' && !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)$/.test(time)) {
        reader.error(value, path, `"${time}" is no time`, 'Leave it out.');
      }
    } else if (METADATA_NUMBERS.includes(name)) {
      if (value.type !== 'number' && value.type !== 'null') reader.error(value, path, 'is no number', 'Leave it out.');
    } else if (value.type === 'object') {
      for (const member of value.members) reader.text(member.value, `${path}.${member.key}`);
    } else if (value.type !== 'null') reader.error(value, path, 'is no object', 'Leave it out.');
  }
}

function readRule(reader: WrittenReader, written: Written, path: string): PolicyRule {
  const fields = reader.fields(written, path, RULE_FIELDS, ({ key, value }, at) => resourcesHint(key, value, at));
  const texts = (name: string): readonly string[] => reader.texts(fields.get(name), `${path}.${name}`);
  const rule: PolicyRule = {
    level: readLevel(reader, fields.get('level'), written, `${path}.level`),
    users: texts('users'),
    userGroups: texts('userGroups'),
    verbs: texts('verbs'),
    namespaces: texts('namespaces'),
    resources: readResources(reader, fields.get('resources'), `${path}.resources`),
    nonResourceURLs: readUrls(reader, fields.get('nonResourceURLs'), `${path}.nonResourceURLs`),
    omitStages: readStages(reader, fields.get('omitStages'), `${path}.omitStages`),
    omitManagedFields: reader.boolean(fields.get('omitManagedFields'), `${path}.omitManagedFields`),
    place: { line: written.line, column: written.column },
  };
  const urls = fields.get('nonResourceURLs');
  if (
    urls !== undefined &&
    rule.nonResourceURLs.length > 0 &&
    (rule.resources.length > 0 || rule.namespaces.length > 0)
  ) {
    const words = 'a rule is either for resources and namespaces or for non-resource URLs';
    reader.error(urls, `${path}.nonResourceURLs`, words, 'Make two rules of it.');
  }
  return rule;
}

function readLevel(reader: WrittenReader, written: Written | undefined, rule: Written, path: string): Level {
  const level = reader.text(written, path);
  const known = LEVELS.find((name) => name === level);
  if (known !== undefined) return known;
  if (written === undefined || written.type === 'null' || (written.type === 'text' && level === '')) {
    reader.error(written ?? rule, path, 'a rule needs a level', `Write level: with one of ${LEVELS.join(', ')}`);
  } else if (written.type === 'text') {
    const name = meant(level, LEVELS) ?? levelSynonym(level);
    const hint = name === undefined ? `Write one of ${LEVELS.join(', ')}` : `Write level: ${name}`;
    reader.error(written, path, `there is no level "${level}"`, hint);
  }
  return 'None';
}

function levelSynonym(level: string): Level | undefined {
  const plain = level.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (['off', 'ignore', 'drop', 'no'].includes(plain)) return 'None';
  if (['all', 'full', 'everything', 'response', 'requestandresponse', 'responserequest'].includes(plain)) {
    return 'RequestResponse';
  }
  return plain === 'meta' ? 'Metadata' : undefined;
}

function readStages(reader: WrittenReader, written: Written | undefined, path: string): readonly Stage[] {
  const stages: Stage[] = [];
  for (const [at, item] of reader.items(written, path).entries()) {
    const text = reader.text(item, `${path}[${at}]`);
    const stage = STAGES.find((name) => name === text);
    if (stage !== undefined) stages.push(stage);
    else if (item.type === 'text' || item.type === 'null') {
      const name = meant(text, STAGES);
      const hint = `Write ${name === undefined ? `one of ${STAGES.join(', ')}` : `"${name}"`}`;
      reader.error(item, `${path}[${at}]`, `there is no stage "${text}"`, hint);
    }
  }
  return stages;
}

function readUrls(reader: WrittenReader, written: Written | undefined, path: string): readonly string[] {
  const items = reader.items(written, path);
  return items.map((item, at) => {
    const url = reader.text(item, `${path}[${at}]`);
    const isText = item.type === 'text' || item.type === 'null';
    if (url === '*' || !isText) return url;
    if (!url.startsWith('/')) {
      const hint = /^https?:/.test(url) ? 'Write the path alone.' : `Write "/${url}"`;
      reader.error(item, `${path}[${at}]`, `"${url}" does not begin with a slash`, hint);
    }
    if (url.slice(0, -1).includes('*')) {
      const hint = `Write "${url.slice(0, url.indexOf('*') + 1)}", which matches all that begins so.`;
      reader.error(item, `${path}[${at}]`, `"${url}" has a * before its end`, hint);
    }
    return url;
  });
}
