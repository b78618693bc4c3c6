import { Command, CommanderError, Help } from 'commander';
import { suggest } from '../config/suggestion.ts';
import { AuditailError } from '../errors.ts';
import { addConfigOptions } from './configuration.ts';
import type { ConfigFlags } from './configuration.ts';
import type { Context, Done } from './context.ts';
import { addAlertCommands } from './alert-commands.ts';
import { addDeadLetterCommands } from './dead-letter.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { addLaboratory } from './laboratory.ts';
import { printError } from './print-error.ts';
import { addReconcileCommand } from './reconcile.ts';
import { addSetupCommand } from './setup.ts';
import { addStateCommands } from './state.ts';
import { addStatusCommand } from './status.ts';

const EXAMPLES = `
Examples:
  auditail --config /etc/auditail/auditail.yaml
  auditail --audit-log-path /var/log/kubernetes/audit/audit.log --output elasticsearch --url http://127.0.0.1:9200 --index audit
  kube-apiserver --audit-log-path=- … | auditail --stdin --output loki --url http://127.0.0.1:3100
  auditail check --config auditail.yaml --connect     what would be wrong, before it is
  auditail status                                     how far each output is, and what was lost
  auditail reconcile --api-server https://127.0.0.1:6443 --api-token FILE   whether all counts agree
  auditail explain --config auditail.yaml audit.log   which rule decides what, and what it changes
  auditail test filter-test.yaml                      whether a filter does what is expected of it
  auditail stats --what-if filter.yaml audit.log      what the trail is made of, and what a filter would save
  auditail demo                                       the main job on recorded events, without any set-up

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 a part of the trail was lost`;

/** Runs what the command line asks for, and returns the exit code. */
export async function runProgram(args: readonly string[], context: Context): Promise<ExitCode> {
  let exit: ExitCode = EXIT.done;
  const program = createProgram(context, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return printError(context.terminal, error);
  }
}

/** `run` takes words only to say that there is no such command. */
function termOf(command: Command): string {
  return command.name() === 'run' ? 'run [options]' : new Help().subcommandTerm(command);
}

function createProgram(context: Context, done: Done): Command {
  const { terminal, version } = context;
  const program = new Command('auditail')
    .description('Ships the Kubernetes audit log, across every rotation, and accounts for every byte of it.')
    .version(version, '-V, --version')
    .addHelpText('after', EXAMPLES)
    .helpCommand(true)
    .exitOverride()
    .configureHelp({ subcommandTerm: termOf })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      outputError: (text, write) =>
        write(text.replace(/^error:/, `${terminal.style('red', 'error', 'error')} AUD_USAGE:`)),
    });

  addConfigOptions(program.command('run', { isDefault: true }))
    .description('ship until told to stop (the default)')
    .argument('[nothing...]')
    .usage('[options]')
    .action(async (words: readonly string[], flags: ConfigFlags) => {
      refuseWords(words, program);
      const { run } = await import('./run.ts');
      done(await run(flags, context));
    });

  addConfigOptions(program.command('check'))
    .description('say what is wrong with the configuration and with this machine')
    .option('--connect', 'try the outputs as well: connection, credentials, rights; nothing is written')
    .action(async (flags: ConfigFlags & { readonly connect?: true }) => {
      const { check } = await import('./check.ts');
      done(await check(flags, context));
    });

  addConfigOptions(program.command('ship'))
    .description('ship what is there, once, and exit')
    .action(async (flags: ConfigFlags) => {
      const { ship } = await import('./ship.ts');
      done(await ship(flags, context));
    });

  addSetupCommand(program, context, done);
  addStatusCommand(program, context, done);
  addReconcileCommand(program, context, done);
  addStateCommands(program, context, done);
  addDeadLetterCommands(program, context, done);
  addAlertCommands(program, context, done);

  addLaboratory(program, context, done);

  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .option('--print', 'what it does anyway')
    .action(async () => {
      const { schema } = await import('./schema.ts');
      done(schema(context));
    });

  program
    .command('demo')
    .description('show the main job on recorded events: rotation, three receivers, a kill -9, and the balance')
    .action(async () => {
      const { demo } = await import('./demo.ts');
      done(await demo());
    });

  return program;
}

/** `run` is the default, so a word that names no command ends up as its argument. */
function refuseWords([word]: readonly string[], program: Command): void {
  if (word === undefined) return;
  const names = program.commands.map((command) => command.name());
  const meant = suggest(word, names);
  throw new AuditailError('AUD_USAGE', `there is no command ${JSON.stringify(word)}`, {
    hint: meant === undefined ? `The commands are ${names.join(', ')}.` : `Did you mean ${meant}?`,
  });
}
