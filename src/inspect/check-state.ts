import fs from 'node:fs';
import path from 'node:path';
import { AuditailError } from '../errors.ts';
import type { Finding } from '../output/output.ts';
import { openStateDirectory } from '../state/state-directory.ts';
import { askAgent } from './ask-agent.ts';
import { ownerOf } from './owner.ts';

/** Whether the state directory can be written, and whether an agent uses it already. Creates nothing. */
export async function checkState(directory: string): Promise<readonly Finding[]> {
  const root = path.resolve(directory);
  if (!fs.existsSync(root)) return [checkParent(root)];
  try {
    await openStateDirectory(root);
    const findings: Finding[] = [{ level: 'ok', text: `${root} can be written` }];
    const running = await askAgent(root);
    if (running !== null) {
      findings.push({
        level: 'ok',
        text: `an agent runs on it: version ${running.version}, since ${running.startedAt}`,
      });
    }
    return findings;
  } catch (thrown) {
    if (!(thrown instanceof AuditailError)) throw thrown;
    return [{ level: 'error', text: thrown.message, ...(thrown.hint === undefined ? {} : { hint: thrown.hint }) }];
  }
}

function checkParent(root: string): Finding {
  let parent = path.dirname(root);
  while (!fs.existsSync(parent)) parent = path.dirname(parent);
  try {
    fs.accessSync(parent, fs.constants.W_OK | fs.constants.X_OK);
    return { level: 'ok', text: `${root} is not there yet, and can be created` };
  } catch {
    // The answer is the finding.
    return {
      level: 'error',
      text: `${root} is not there and cannot be created by user id ${process.geteuid?.() ?? '?'}: ${parent} has ${ownerOf(parent)}`,
      hint: 'Create it for the user that the agent runs as, or choose another with --state-dir.',
    };
  }
}
