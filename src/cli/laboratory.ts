import type { Command } from 'commander';
import type { Context, Done } from './context.ts';
import type { ExplainFlags } from './explain.ts';
import { addFilterOptions, addInputOptions } from './recorded-input.ts';

/** The commands that try filters on recorded events; they ship nothing and touch no state. */
export function addLaboratory(program: Command, context: Context, done: Done): void {
  addInputOptions(addFilterOptions(program.command('explain')))
    .description('say of each recorded event which rule decides, and what is changed in it')
    .argument('[files...]', 'files as the API server wrote them, also gzipped; - for a pipe')
    .option('--diff', 'compare two filters: the first two files are the old one and the new one')
    .option('--rule <name>', 'only events that this rule decides')
    .option('--id <auditID>', 'only the events of one request')
    .option('--limit <count>', 'show so many events at most; all are counted')
    .option('--bytes', 'show the bytes of each event before and after: secrets too')
    .option('--json', 'a line of JSON for each event, with its bytes')
    .action(async (files: readonly string[], flags: ExplainFlags) => {
      const { explain } = await import('./explain.ts');
      done(await explain(files, flags, context));
    });
}
