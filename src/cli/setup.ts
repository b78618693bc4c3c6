import type { Command } from 'commander';
import type { ElasticsearchOutputConfig } from '../config/schema.ts';
import { AuditailError } from '../errors.ts';
import { applyStep, planOutput } from '../inspect/setup-output.ts';
import type { Step } from '../output/elasticsearch/setup/step.ts';
import type { ConfigFlags } from './configuration.ts';
import { addConfigOptions, loadConfiguration, printProblems } from './configuration.ts';
import type { Context, Done } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { printable } from './printable.ts';

interface SetupFlags extends ConfigFlags {
  readonly dryRun?: true;
  readonly remove?: true;
  readonly withEvents?: true;
}

export function addSetupCommand(program: Command, context: Context, done: Done): void {
  addConfigOptions(program.command('setup'))
    .description('make index template, data stream and lifecycle of elasticsearch outputs what they should be')
    .argument('[output]', 'name of one output; all of type elasticsearch where it is not given')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--remove', 'take away what setup made')
    .option('--with-events', 'with --remove: a data stream that holds events too, and all of them')
    .action(async (output: string | undefined, flags: SetupFlags) => done(await setup(output, flags, context)));
}

/** Prints each thing that setup looks after with what changes, and changes it; 1 where something could not be done. */
async function setup(output: string | undefined, flags: SetupFlags, context: Context): Promise<ExitCode> {
  if (flags.withEvents === true && flags.remove !== true) {
    throw new AuditailError('AUD_USAGE', '--with-events goes with --remove only');
  }
  const { dryRun, remove, withEvents, ...configFlags } = flags;
  const loaded = loadConfiguration(configFlags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const chosen = chosenOutputs(loaded.config.outputs, output);
  let failed = false;
  for (const config of chosen) {
    const options = { userAgent: `auditail/${context.version}`, environment: context.environment };
    const removal = remove === true ? { withEvents: withEvents === true } : undefined;
    const planned = await planOutput(config, options, removal);
    try {
      context.terminal.print(`output ${config.name}: ${printable(planned.text)}`);
      if (planned.failed) failed = true;
      for (const step of planned.steps) {
        printStep(step, context);
        if (step.change === 'refused' || step.change === 'unknown') failed = true;
        if (step.request === undefined || dryRun === true) continue;
        const fault = await applyStep(planned, step);
        if (fault === undefined) continue;
        failed = true;
        context.terminal.print(`      ${context.terminal.style('red', 'failed')}: ${printable(fault)}`);
        break;
      }
    } finally {
      await planned.close();
    }
  }
  if (dryRun === true) context.terminal.print('Nothing was changed.');
  return failed ? EXIT.failed : EXIT.done;
}

function chosenOutputs(
  outputs: readonly { readonly type: string; readonly name: string }[],
  name: string | undefined,
): readonly ElasticsearchOutputConfig[] {
  const fit = outputs.filter((config): config is ElasticsearchOutputConfig => config.type === 'elasticsearch');
  const chosen = name === undefined ? fit : fit.filter((config) => config.name === name);
  if (chosen.length > 0) return chosen;
  const message =
    name === undefined ? 'no output is of type elasticsearch' : `no elasticsearch output is named ${name}`;
  throw new AuditailError('AUD_USAGE', message, { hint: 'Other receivers need no set-up; see docs/outputs.md.' });
}

const SIGNS = {
  create: ['+', 'green'],
  change: ['~', 'yellow'],
  remove: ['-', 'red'],
  same: ['=', 'dim'],
  unsupported: ['.', 'dim'],
  refused: ['!', 'red'],
  unknown: ['?', 'red'],
} as const;

function printStep({ change, what, lines, words }: Step, { terminal }: Context): void {
  const [sign, style] = SIGNS[change];
  const note = words === undefined ? '' : `: ${words}`;
  terminal.print(`  ${terminal.style(style, sign)} ${printable(`${what} (${change})${note}`)}`);
  for (const line of lines)
    terminal.print(`      ${terminal.style(line.startsWith('+') ? 'green' : 'red', printable(line))}`);
}
