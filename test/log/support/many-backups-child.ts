import { dirname, join } from 'node:path';
import { Cursor } from '../../../src/log/cursor.ts';
import { maxHeldFiles } from '../../../src/log/descriptors.ts';
import { LOG_FILES } from '../../../src/log/files.ts';
import { Log } from '../../../src/log/log.ts';

/** Follows the log under the path that it is given, and prints how many lines and losses it saw, as JSON. */
const path = process.argv[2] as string;
const log = new Log({
  name: 'log',
  path,
  files: LOG_FILES,
  stateDirectory: join(dirname(path), '..', 'state'),
  pins: false,
  spool: false,
  retention: { maxBytes: Number.MAX_SAFE_INTEGER, minFree: { bytes: 0 } },
  maxHeldFiles: maxHeldFiles(),
  reference: () => null,
  anomaly: () => undefined,
});
log.register({ name: 'child', remembered: () => [] }, []);
const cursor = new Cursor(log, new Map(), { maxLineBytes: 1 << 20, enter: () => [] });
await log.begin();
let lines = 0;
let losses = 0;
for (let piece = await cursor.next(); piece !== null; piece = await cursor.next()) {
  if (piece.kind === 'lines') lines += piece.bytes.toString('latin1', piece.start, piece.end).split('\n').length - 1;
  else if (piece.kind === 'loss') losses += 1;
  else if (piece.kind === 'end') await log.settled(piece.segment, 'child');
}
process.stdout.write(JSON.stringify({ lines, losses, words: log.words }));
await cursor.pause();
await log.close();
