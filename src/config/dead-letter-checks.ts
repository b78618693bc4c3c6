import type { Report } from './report.ts';
import type { OutputConfig } from './schema.ts';
import { formatBytes } from './units.ts';

/** A dead letter into which what may have to go there at once would never fit, however empty it is: the output would hold. */
export function checkDeadLetters(outputs: readonly OutputConfig[], maxLineBytes: number, report: Report): void {
  for (const [at, { deadLetter, batch }] of outputs.entries()) {
    const { maxBytes } = deadLetter;
    const [what, needed] =
      maxBytes < batch.maxBytes
        ? ['batch.maxBytes', batch.maxBytes]
        : maxBytes < maxLineBytes
          ? ['maxLineBytes', maxLineBytes]
          : [null, 0];
    if (what === null) continue;
    const refused = what === 'maxLineBytes' ? 'a line as long as that' : 'a batch that is refused whole';
    const message = `is less than ${what} (${formatBytes(needed)}): ${refused} does not fit even into an empty dead letter, and the output would hold until this is raised`;
    report({ path: ['outputs', at, 'deadLetter', 'maxBytes'], level: 'warning', message });
  }
}
