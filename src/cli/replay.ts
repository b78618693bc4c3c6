import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, OutputConfig } from '../config/schema.ts';
import { EventView } from '../event/event-view.ts';
import { openOutput } from '../inspect/open-output.ts';
import { type Replayed, replay } from '../inspect/replay.ts';
import { knownOutputs } from '../inspect/stored-state.ts';
import type { Output } from '../output/output.ts';
import { recordKey } from '../state/dead-letter-record.ts';
import { mergeRefusals, noteRefusals } from '../state/dead-letter-refusals.ts';
import { deadLetterDirectory, readDeadLetters, removeDeadLetters } from '../state/read-dead-letter.ts';
import { outputDirectory } from '../state/state-directory.ts';
import { type Chosen, chosenLetters } from './chosen-letters.ts';
import type { ConfigFlags } from './configuration.ts';
import { loadConfiguration, printProblems } from './configuration.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { plural } from './human.ts';
import { printable } from './printable.ts';
import { progressBar } from './progress-bar.ts';

/** `auditail dead-letter replay`. Works beside a running agent: records are marked as removed, and the agent takes them out. */
export async function replayAll(flags: ConfigFlags & Chosen, context: Context): Promise<ExitCode> {
  const { output: only, reason, ...configFlags } = flags;
  const loaded = loadConfiguration(configFlags, context);
  if (!loaded.ok) {
    printProblems(context, loaded);
    return EXIT.usage;
  }
  const { config } = loaded;
  let exit: ExitCode = EXIT.done;
  for (const name of await knownOutputs(config.stateDirectory, only)) {
    const described = config.outputs.find((output) => output.name === name);
    if (described === undefined) {
      context.terminal.complain(`${name}: the configuration has no such output; its events stay`);
      exit = EXIT.failed;
      continue;
    }
    const chosen = { output: name, ...(reason === undefined ? {} : { reason }) };
    if (!(await replayOutput(described, config, chosen, context))) exit = EXIT.failed;
  }
  return exit;
}

/** Sends what is set aside of one output; whether nothing of it stays. */
async function replayOutput(
  described: OutputConfig,
  config: Config,
  chosen: Chosen,
  context: Context,
): Promise<boolean> {
  const { terminal } = context;
  const { name } = described;
  const directory = deadLetterDirectory(outputDirectory(config.stateDirectory, name));
  const bySource = await countOf(config.stateDirectory, chosen);
  const all = [...bySource.values()].reduce((sum, count) => sum + count, 0);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt);
  const total = { delivered: 0, kept: 0, gaveUp: null as Replayed['gaveUp'] };
  const draw = (delivered: number): void => {
    const line = `${name}: ${progressBar(delivered, all)}  ${delivered} of ${plural(all, 'event')} delivered`;
    if (terminal.isLive) terminal.draw(`\r${line.slice(0, terminal.columns - 1)}\u001b[K`);
  };
  try {
    for (const { source, output } of outputsFor(described, config, [...bySource.keys()], context)) {
      try {
        if (total.gaveUp !== null || interruption.signal.aborted) continue;
        const result = await replay(chosenLetters(config.stateDirectory, { ...chosen, ...source }), {
          output,
          event: new EventView(),
          remove: (keys) => removeDeadLetters(directory, keys),
          refused: (refusals) => noteRefusals(directory, refusals),
          kept: ({ key }, why, words) =>
            terminal.complain(printable(`${name}: record ${key.record} stays: ${why}: ${words}`)),
          progress: (delivered) => draw(total.delivered + delivered),
          sleep: (ms) => pause(ms, interruption.signal),
          now: Date.now,
          signal: interruption.signal,
        });
        total.delivered += result.delivered;
        total.kept += result.kept;
        total.gaveUp = result.gaveUp;
      } finally {
        await output.close();
      }
    }
    await mergeRefusals(directory, await remaining(directory));
  } finally {
    process.off('SIGINT', interrupt);
  }
  const { delivered, kept, gaveUp } = total;
  if (terminal.isLive) terminal.draw('\r\u001b[K');
  terminal.print(`${name}: ${plural(delivered, 'event')} delivered, ${kept} kept`);
  if (interruption.signal.aborted) {
    terminal.complain(`${name}: interrupted; what was not delivered stays`);
    return false;
  }
  if (gaveUp === null) return kept === 0;
  terminal.complain(printable(`${name}: stopped: ${gaveUp.reason}: ${gaveUp.words}`));
  return false;
}

/** Ends before its time where somebody pressed Ctrl-C. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** One output for all; where events say from which source they came, one for each, as the agent has it. */
function* outputsFor(
  described: OutputConfig,
  { metadata, namesSources }: Config,
  sources: readonly string[],
  { version, environment }: Context,
): Generator<{ readonly source: Pick<Chosen, 'source'>; readonly output: Output }> {
  const options = { userAgent: `auditail/${version}`, environment };
  if (namesSources !== true) yield { source: {}, output: openOutput(described, metadata, options) };
  else {
    for (const source of sources) {
      yield { source: { source }, output: openOutput(described, { ...metadata, source }, options) };
    }
  }
}

/** How many events there are of each source. The bodies are not read for it. */
async function countOf(stateDirectory: string, chosen: Chosen): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { meta } of chosenLetters(stateDirectory, chosen)) {
    counts.set(meta.source, (counts.get(meta.source) ?? 0) + 1);
  }
  return counts;
}

async function remaining(directory: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { key } of readDeadLetters(directory)) keys.add(recordKey(key));
  return keys;
}
