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
    findings.push(...checkOthers(root));
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

/** Who may write there can make the agent pass over a part of the trail; who may read there reads the dead letter. */
function checkOthers(root: string): readonly Finding[] {
  const stat = fs.statSync(root);
  if ((stat.mode & 0o077) === 0 && (stat.uid === process.geteuid?.() || stat.uid === 0)) return [];
  return [
    {
      level: 'warning',
      text: `${root} is open to others: ${ownerOf(root)}`,
      hint: 'Close it: chmod 0700, and chown to the user that the agent runs as.',
    },
  ];
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
