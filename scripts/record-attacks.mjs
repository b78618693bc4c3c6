// Records what a real API server writes of other ways to the techniques of the detection pack (`OTHER_WAYS`): attacks and
// near misses, told apart by their user agents, one event a line, as the server wrote it.
//   node scripts/record-attacks.mjs FOLDER FILE.gz
// FOLDER holds the scripts that start the server (up.sh, down.sh), as for `npm run test:real`.
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { OTHER_WAYS, perform, preparation } from '../test/support/attack-session.ts';
import { startApiServer } from '../test/support/kube-apiserver.ts';

const [folder, file] = process.argv.slice(2);
if (folder === undefined || file === undefined) throw new Error('name the folder of the server, and a file to write');
const api = await startApiServer(folder, { AUDIT_POLICY: 'all', AUDIT_MAXSIZE: '20', AUDIT_MAXBACKUP: '20' });
try {
  for (const step of preparation('', 1)) await perform(api.url, step, 'prepare');
  for (const { rule, way, attack, near } of OTHER_WAYS) {
    for (const [kind, steps] of Object.entries({ attack, near })) {
      const answers = [];
      for (const step of steps) answers.push(...(await perform(api.url, step, `${kind}/${rule}/${way}`)));
      console.log(`${kind}/${rule}/${way}: answered ${[...new Set(answers)].join(', ')}`);
    }
  }
} finally {
  await api.halt();
  const lines = readFileSync(api.auditLog, 'utf8').split('\n');
  const recorded = lines.filter((line) => /"userAgent":"(attack|near)\//.test(line));
  writeFileSync(file, gzipSync(`${recorded.join('\n')}\n`, { level: 9 }));
  console.log(`${recorded.length} events in ${file}`);
  await api.stop();
}
