import type { AlertRuleConfig } from './alert-rule-schema.ts';
import { alertRulesFileSchema } from './alert-rule-schema.ts';
import { readConfigFile } from './config-file.ts';
import { parseDocument } from './document.ts';
import { checkSchema } from './issues.ts';
import type { Path, Place, Problem } from './problem.ts';
import { formatPath, sortProblems } from './problem.ts';
import { suggest } from './suggestion.ts';

/** What a compiler of rules has against one. */
interface RuleFault {
  readonly path: Path;
  readonly message: string;
  readonly pointer?: { readonly text: string; readonly offset: number };
  readonly known?: readonly string[];
}

/** Compiles a rule, or says what is wrong with it. It is handed in, as stages do not call each other. */
export type CompileAlertRule<Rule> = (config: AlertRuleConfig) => Rule | readonly RuleFault[];

export type AlertRulesFile<Rule> =
  | { readonly rules: readonly Rule[] }
  | { readonly rules?: never; readonly problems: readonly Problem[] };

/** Reads a file of alert rules; all that is wrong with it comes back at once, each with its place. */
export function readAlertRules<Rule extends object>(
  file: string,
  compile: CompileAlertRule<Rule>,
): AlertRulesFile<Rule> {
  const read = readConfigFile(file);
  if ('problem' in read) return { problems: [read.problem] };
  if (read.text.trim() === '') return { rules: [] };
  const { document, problems } = parseDocument(file, read.text);
  if (document === undefined) return { problems: sortProblems(problems) };
  const found: Problem[] = [...problems];
  const report = (place: Place, path: Path, message: string, pointer?: Problem['pointer']) => {
    const at = pointer === undefined ? {} : { pointer };
    found.push({ level: 'error', place, path: formatPath(path), message, ...at });
  };
  const { data, complaints } = checkSchema(alertRulesFileSchema, document.value);
  for (const { path, message, atKey } of complaints) {
    report(atKey ? document.placeOfKey(path) : document.placeOfValue(path), path, message);
  }
  const rules: Rule[] = [];
  const names = new Map<string, number>();
  for (const [at, config] of (data?.rules ?? []).entries()) {
    const before = names.get(config.name);
    const path = ['rules', at, 'name'];
    if (before !== undefined) report(document.placeOfValue(path), path, `rules[${before}] is called that already`);
    names.set(config.name, at);
    const compiled = compile(config);
    if (!isFaults(compiled)) {
      rules.push(compiled);
      continue;
    }
    for (const fault of compiled) {
      const where: Path = ['rules', at, ...fault.path];
      report(document.placeOfValue(where), where, words(fault), pointerOf(fault));
    }
  }
  return found.length > 0 ? { problems: sortProblems(found) } : { rules };
}

function isFaults<Rule extends object>(compiled: Rule | readonly RuleFault[]): compiled is readonly RuleFault[] {
  return Array.isArray(compiled);
}

function words({ message, known }: RuleFault): string {
  const wrong = /"(.*)"$/.exec(message)?.[1];
  const meant = known === undefined || wrong === undefined ? undefined : suggest(wrong, known);
  return meant === undefined ? message : `${message}; did you mean ${JSON.stringify(meant)}?`;
}

/** The line of a text that holds the place, and the place in it. */
function pointerOf({ pointer }: RuleFault): Problem['pointer'] {
  if (pointer === undefined) return undefined;
  const { text, offset } = pointer;
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const line = text.slice(start).split('\n', 1)[0] as string;
  return { text: line.replaceAll('\t', ' '), column: Math.min(Math.max(0, offset - start), line.length) };
}
