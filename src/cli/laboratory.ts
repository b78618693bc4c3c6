import type { Command } from 'commander';
import type { Context, Done } from './context.ts';
import type { ExplainFlags } from './explain.ts';
import type { StatsFlags } from './stats.ts';
import type { TestFlags } from './test.ts';
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

  addInputOptions(addFilterOptions(program.command('test')))
    .description('hold a filter to what is expected of it, on recorded events')
    .argument('<files...>', 'YAML files of expectations')
    .option('--events <file>', 'the recorded events, instead of those that the files name; - for a pipe')
    .option('--junit <file>', 'write a report for build servers')
    .action(async (files: readonly string[], flags: TestFlags) => {
      const { test } = await import('./test.ts');
      done(await test(files, flags, context));
    });

  addInputOptions(addFilterOptions(program.command('stats')))
    .description('say what the trail is made of, and what a filter would save')
    .argument('<files...>', 'files as the API server wrote them, also gzipped; - for a pipe')
    .option('--what-if <file>', 'a filter, or a configuration with one, that might be used instead')
    .option('--by <names>', 'what to count by, of rule, level, stage, verb, user, resource, namespace, userAgent, code')
    .option('--top <count>', 'show so many values of each', '10')
    .option('--format <format>', 'table, json, csv or html', 'table')
    .option('--out <file>', 'write it to a file')
    .option('--alert-rules <path>', 'with --format html: what these alert rules would have told, too')
    .action(async (files: readonly string[], flags: StatsFlags) => {
      const { stats } = await import('./stats.ts');
      done(await stats(files, flags, context));
    });
}
