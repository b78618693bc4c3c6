import type { Command } from 'commander';
import type { ReplayFlags, RuleFlags } from './alerts.ts';
import { addStateOptions, type StateFlags } from './configuration.ts';
import type { Context, Done } from './context.ts';
import { addInputOptions, type InputFlags } from './recorded-input.ts';

/** `auditail alerts …`: the alert rules, at work and on recorded events. */
export function addAlertCommands(program: Command, context: Context, done: Done): void {
  const group = program
    .command('alerts')
    .description('look at the alert rules, try them on recorded events, and tell a test');

  addStateOptions(group.command('list'))
    .description('the rules and receivers of the agent that runs')
    .option('--json', 'as JSON')
    .action(async (flags: StateFlags & { json?: true }) => {
      const { list } = await import('./alerts.ts');
      done(await list(flags, context));
    });

  addInputOptions(choosing(group.command('replay')))
    .description('say what would have been told of recorded events, when, and why')
    .argument('<files...>', 'files as the API server wrote them, also gzipped; - for a pipe')
    .option('--events', 'each alert with its event, not the rules alone')
    .option('--format <format>', 'table, json or html', 'table')
    .action(async (files: readonly string[], flags: RuleFlags & InputFlags & ReplayFlags) => {
      const { replay } = await import('./alerts.ts');
      done(await replay(files, flags, context));
    });

  addInputOptions(choosing(group.command('test')))
    .description('hold the rules to what is expected of them, on recorded events')
    .argument('<files...>', 'YAML files of expectations')
    .action(async (files: readonly string[], flags: RuleFlags & InputFlags) => {
      const { test } = await import('./alerts.ts');
      done(await test(files, flags, context));
    });

  group
    .command('send-test')
    .description('tell the receivers a test alert')
    .option('-c, --config <file>', 'configuration file that has the receivers (AUDITAIL_CONFIG)')
    .option('--receiver <name>', 'this receiver only')
    .action(async (flags: { config?: string; receiver?: string }) => {
      const { sendTest } = await import('./alerts.ts');
      done(await sendTest(flags, context));
    });
}

function choosing(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file that names the rules (AUDITAIL_CONFIG)')
    .option('--rules <path>', 'file or directory of rules, instead of a configuration; may be repeated', collect)
    .option('--rule <name>', 'this rule only; may be repeated', collect);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
