import { dirname } from 'node:path';
import type { FileSourceConfig } from '../config/schema.ts';
import { messageOf } from '../errors.ts';
import { LOG_FILES } from '../log/files.ts';
import type { Finding } from '../output/output.ts';
import { KubeletFiles } from '../source/cri/kubelet-files.ts';

/** Looks at what kubelet keeps of a container as the agent would find it. */
export async function checkCri({ path }: FileSourceConfig): Promise<readonly Finding[]> {
  const files = new KubeletFiles(path, LOG_FILES);
  try {
    const closed = (await files.list(dirname(files.livePath))).length;
    if ((await files.factsOf(files.livePath)) === null && closed === 0) {
      const hint = 'The directory is named <namespace>_<pod>_<uid>/<container>; mount /var/log/pods into the agent.';
      return [{ level: 'warning', text: `${path} fits no file yet`, hint }];
    }
    await files.close(await files.open(files.livePath));
    return [{ level: 'ok', text: `${path}: one live file, ${closed} that are closed` }];
  } catch (thrown) {
    return [{ level: 'error', text: `the files of the container cannot be read: ${messageOf(thrown)}` }];
  }
}
