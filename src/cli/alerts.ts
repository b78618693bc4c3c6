import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { Notification } from '../alert/notification.ts';
import type { Rule } from '../alert/rule.ts';
import { openReceiver } from '../alerting.ts';
import type { AlertsConfig } from '../config/alert-schema.ts';
import type { Config } from '../config/schema.ts';
import { suggest } from '../config/suggestion.ts';
import { AuditailError } from '../errors.ts';
import { readAlertExpectations } from '../inspect/alert-expectations.ts';
import { AlertReplay, type ReplayLimits } from '../inspect/alert-replay.ts';
import { openAlertRules } from '../inspect/alert-rules.ts';
import { askAgent } from '../inspect/ask-agent.ts';
import { EventWalk } from '../inspect/event-walk.ts';
import { alertsHtml } from './alerts-html.ts';
import { describeExpectations, listText, replayJson, replayText, type Checked } from './alerts-text.ts';
import { loadConfiguration, printProblems, stateDirectoryOf, type StateFlags } from './configuration.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { InputProgress } from './input-progress.ts';
import { printable } from './printable.ts';
import { complainOf, type InputFlags, openRecorded, problemsError } from './recorded-input.ts';

export interface RuleFlags {
  readonly config?: string;
  readonly rules?: readonly string[];
  readonly rule?: readonly string[];
}

const LIMITS: ReplayLimits = { groups: 10_000, values: 1000, toleranceMs: 30_000 };

export interface ReplayFlags {
  readonly events?: true;
  readonly format: string;
}

/** `auditail alerts list`: how the rules of the agent that runs stand. */
export async function list(flags: StateFlags & { readonly json?: true }, context: Context): Promise<ExitCode> {
  const directory = stateDirectoryOf(flags, context);
  const status = await askAgent(directory);
  if (status === null) {
    throw new AuditailError('AUD_USAGE', `no agent runs on ${directory}`, {
      hint: 'Say where its state directory is with --state-dir; `auditail alerts replay` needs no agent.',
    });
  }
  const alerts = status.alerts ?? [];
  if (flags.json === true) context.terminal.print(JSON.stringify(alerts, null, 2));
  else context.terminal.print(alerts.length === 0 ? 'The agent has no alert rules.' : listText(alerts));
  return EXIT.done;
}

/** `auditail alerts replay`: what would have been told of recorded events. */
export async function replay(
  files: readonly string[],
  flags: RuleFlags & InputFlags & ReplayFlags,
  context: Context,
): Promise<ExitCode> {
  if (!['table', 'json', 'html'].includes(flags.format)) {
    throw new AuditailError('AUD_USAGE', `--format must be one of table, json, html, not ${flags.format}`);
  }
  const { rules, limits } = openRules(flags, context);
  const run = new AlertReplay(rules, limits);
  const log = await openRecorded(files, flags, context);
  const walk = new EventWalk();
  const progress = new InputProgress(context.terminal, log);
  try {
    for await (const block of log.blocks()) {
      walk.walk(block, (event, where) => run.see(event, where));
      progress.show();
    }
  } finally {
    progress.end();
  }
  const exit = complainOf(walk, context);
  if (run.failures > 0)
    context.terminal.complain(`${run.failures} times a condition failed on an event: no match there`);
  if (flags.format === 'json') context.terminal.print(replayJson(run));
  else if (flags.format === 'html') context.terminal.print(alertsHtml(run));
  else context.terminal.print(replayText(run, flags.events === true, walk.events));
  return exit;
}

/** `auditail alerts test`: holds rules to what is expected of them; 1 where it is otherwise. */
export async function test(
  files: readonly string[],
  flags: RuleFlags & InputFlags,
  context: Context,
): Promise<ExitCode> {
  const read = files.map((file) => {
    const found = readAlertExpectations(file);
    if ('problems' in found) throw problemsError(found.problems);
    const named = found.rules === undefined ? flags : { ...flags, rules: flags.rules ?? found.rules };
    return { ...found, ...openRules(named, context) };
  });
  let exit: ExitCode = EXIT.done;
  for (const { file, expectations, rules, limits } of read) {
    const checked: Checked[] = [];
    for (const expectation of expectations) {
      const rule = chosen(rules, [expectation.rule])[0] as Rule;
      const run = new AlertReplay([rule], limits);
      const log = await openRecorded(expectation.events, flags, context);
      const walk = new EventWalk();
      for await (const block of log.blocks()) walk.walk(block, (event, where) => run.see(event, where));
      if (complainOf(walk, context) !== EXIT.done) exit = EXIT.failed;
      checked.push(check(expectation, run, walk.events));
    }
    if (checked.some(({ failure }) => failure !== null)) exit = EXIT.failed;
    const { terminal } = context;
    terminal.print(describeExpectations(file, checked, (style, text) => terminal.style(style, text)));
  }
  return exit;
}

function check(expectation: Checked['expectation'], run: AlertReplay, events: number): Checked {
  const alerts = run.report().reduce((sum, one) => sum + one.alerts, 0);
  const summaries = run.told.map(({ summary }) => summary);
  const { alerts: wanted, summary } = expectation;
  let failure: string | null = null;
  if (wanted === undefined ? alerts === 0 : alerts !== wanted) {
    failure = `fired ${alerts} times, expected ${wanted ?? 'one at least'}${alerts === 0 ? '' : `: ${summaries[0] ?? ''}`}`;
  } else if (summary !== undefined && !summaries.some((one) => one.includes(summary))) {
    failure = `no summary has ${JSON.stringify(summary)}: ${summaries[0] ?? ''}`;
  }
  return { expectation, events, failure };
}

/** `auditail alerts send-test`: tells the receivers that nothing has happened. */
export async function sendTest(
  flags: { readonly config?: string; readonly receiver?: string },
  context: Context,
): Promise<ExitCode> {
  const { terminal } = context;
  const loaded = loadConfiguration(flags.config === undefined ? {} : { config: flags.config }, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { config } = loaded;
  const receivers = alertsOf(config).receivers.filter(({ name }) => (flags.receiver ?? name) === name);
  if (receivers.length === 0) {
    const names = alertsOf(config).receivers.map(({ name }) => name);
    throw new AuditailError('AUD_USAGE', `there is no receiver ${JSON.stringify(flags.receiver ?? '')}`, {
      hint: names.length === 0 ? 'alerts.receivers is empty.' : `There are ${names.join(', ')}.`,
    });
  }
  const logger = pino({ level: 'silent' });
  let exit: ExitCode = EXIT.done;
  for (const one of receivers) {
    const receiver = openReceiver(one, config, { userAgent: `auditail/${context.version}`, logger });
    const told = await receiver.tell(testNotification(), new AbortController().signal);
    await receiver.close();
    if (told.outcome === 'told') {
      terminal.print(`${terminal.style('green', '✓')} ${one.name} (${one.type}) took it`);
      continue;
    }
    exit = EXIT.failed;
    const words = printable(`${told.reason}${told.words === '' ? '' : `: ${told.words}`}`);
    terminal.print(`${terminal.style('red', '×')} ${one.name} (${one.type}) did not take it: ${words}`);
  }
  return exit;
}

function testNotification(): Notification {
  const nowMs = Date.now();
  return {
    id: randomBytes(16).toString('hex'),
    status: 'firing',
    rule: 'auditail-test',
    severity: 'info',
    source: 'send-test',
    fingerprint: randomBytes(8).toString('hex'),
    group: {},
    labels: {},
    summary: [{ text: 'This is a test of auditail: nothing has happened.' }],
    description: 'Somebody ran `auditail alerts send-test`.',
    action: 'Nothing.',
    techniques: [],
    runbook: '',
    startsMs: nowMs,
    lastMs: nowMs,
    count: 1,
    lastsMs: 0,
    events: [],
  };
}

function alertsOf({ alerts }: Config): AlertsConfig {
  if (alerts !== undefined) return alerts;
  throw new AuditailError('AUD_USAGE', 'the configuration has no alerts', {
    hint: 'docs/alerts.md says how to add them.',
  });
}

function openRules(
  flags: RuleFlags,
  context: Context,
): { readonly rules: readonly Rule[]; readonly limits: ReplayLimits } {
  if (flags.rules !== undefined) {
    const opened = openAlertRules({ rules: [...flags.rules], overrides: {} });
    if (opened.problems.length > 0) throw problemsError(opened.problems);
    return { rules: chosen(opened.rules, flags.rule), limits: LIMITS };
  }
  const loaded = loadConfiguration(flags.config === undefined ? {} : { config: flags.config }, context);
  if (!loaded.ok) throw problemsError(loaded.problems);
  const alerts = alertsOf(loaded.config);
  const { limits, tolerance } = alerts;
  return {
    rules: chosen(openAlertRules(alerts).rules, flags.rule),
    limits: { groups: limits.groups, values: limits.values, toleranceMs: tolerance },
  };
}

function chosen(rules: readonly Rule[], names: readonly string[] | undefined): readonly Rule[] {
  if (names === undefined) return rules;
  return names.map((name) => {
    const rule = rules.find((one) => one.name === name);
    if (rule !== undefined) return rule;
    const known = rules.map((one) => one.name);
    const meant = suggest(name, known);
    throw new AuditailError('AUD_USAGE', `there is no rule ${JSON.stringify(name)}`, {
      hint: meant === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${meant}?`,
    });
  });
}
