import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export interface Import {
  /** The imported file, relative to the repository, or the name of a package. */
  readonly target: string;
  /** Whether it is gone at run time: `import type`, `export type … from`. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

export const REPOSITORY = join(import.meta.dirname, '../..');

/** All TypeScript files below a folder of the repository. */
export function sourceFiles(folder: string): readonly SourceFile[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(REPOSITORY, path), 'utf8')));
}

export function sourceFile(path: string, text: string): SourceFile {
  return { path, lines: text.trimEnd().split('\n').length, imports: [...importsOf(path, text)] };
}

const STATIC = /^(?:import|export)\s+(type\s)?(?:[^'"`;=()]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;

function* importsOf(path: string, text: string): Generator<Import> {
  for (const [, type, target] of text.matchAll(STATIC)) yield resolve(path, target ?? '', type !== undefined);
  for (const [, target] of text.matchAll(DYNAMIC)) yield resolve(path, target ?? '', false);
}

function resolve(path: string, target: string, typeOnly: boolean): Import {
  return { target: target.startsWith('.') ? relative('.', join(dirname(path), target)) : target, typeOnly };
}
