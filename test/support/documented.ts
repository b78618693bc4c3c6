import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './source-files.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/outputs.md'), 'utf8');

/** The blocks of a language that docs/outputs.md shows: what it tells people to type has to work. */
export function documented(language: string): readonly string[] {
  return [...PAGE.matchAll(/```(\w+)\n([^`]*)```/g)].flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  );
}
