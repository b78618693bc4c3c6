import { isAlias, isMap, isNode, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { messageOf } from '../errors.ts';
import type { Path, Place, Problem } from './problem.ts';

/** A configuration file, taken apart: its value, and where each part of it stands. */
export interface ConfigDocument {
  readonly value: unknown;
  /** Place of the key (or list item) that a path names, or of the nearest one around it that is there. */
  placeOfKey(path: Path): Place;
  /** Place of the value that a path names. */
  placeOfValue(path: Path): Place;
}

/** Anchors and aliases are welcome; a few lines that expand to millions are not. */
const MAX_ALIASES = 100;

/** Takes a YAML text apart. Everything that is wrong with it as YAML comes back as problems with a place. */
export function parseDocument(file: string, text: string): { document?: ConfigDocument; problems: readonly Problem[] } {
  // The library's own counter of lines misses those within a quoted text that never ends.
  const place = (offset: number): Place => {
    const before = text.slice(0, offset).split('\n');
    const line = before.length;
    const column = (before.at(-1) as string).length + 1;
    return { text: `${file}:${line}:${column}`, line, column };
  };
  const problem = (offset: number, message: string): Problem => ({
    level: 'error',
    place: place(offset),
    path: '',
    message,
  });
  let documents: readonly Document.Parsed[];
  try {
    documents = [...parseAllDocuments(text, { prettyErrors: false, logLevel: 'error' })] as Document.Parsed[];
  } catch (error) {
    // Only nesting so deep that the parser's stack ends comes here; the parser reports everything else.
    return { problems: [problem(0, `cannot be read as YAML: ${messageOf(error)}`)] };
  }
  const [document, second] = documents;
  if (document === undefined || document.contents === null) {
    return {
      problems: [problem(0, 'is empty: a configuration has sources and outputs at least; see config/auditail.yaml')],
    };
  }
  const found = [...document.errors, ...document.warnings];
  // Where one bracket is missing, the parser misses all that are around it too.
  const distinct = found.filter(({ pos }, at) => found.findIndex((other) => other.pos[0] === pos[0]) === at);
  // Where the stack ends is left to Node.js; some versions meet that end twice on their way out.
  const tooDeep = distinct.find(({ message }) => isTooDeep(message));
  const told = distinct.filter((error, at) => {
    if (isTooDeep(error.message)) return error === tooDeep;
    // Thrown off once, the parser takes every word that follows for a mistake.
    return at === 0 || error.code !== 'UNEXPECTED_TOKEN';
  });
  const problems = told.map(({ code, message, pos: [at] }) => {
    const words = text.startsWith('${', at - 1) ? INTERPOLATED : yamlWords(code, message);
    return problem(at, words);
  });
  if (second !== undefined) {
    problems.push(problem(second.range[0], 'a second YAML document begins here; a configuration is one'));
  }
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { problems };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { problems, document: { value, ...places(document, place) } };
  } catch (error) {
    return { problems: [...problems, problem(firstAlias(text), `cannot be read: ${messageOf(error).toLowerCase()}`)] };
  }
}

const INTERPOLATED =
  '${…} is not filled in, and is no YAML within { }; write the value itself, or { env: NAME } where a reference is taken';

function yamlWords(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands here twice; the second would hide the first';
  if (code === 'TAB_AS_INDENT') return 'a tab: YAML is indented with spaces only';
  if (code === 'TAG_RESOLVE_FAILED')
    return `${lowerFirst(message)}; a value from outside is written { env: NAME } or { file: PATH }`;
  if (isTooDeep(message)) return 'is nested too deeply';
  return `is no YAML: ${lowerFirst(message)}`;
}

function isTooDeep(message: string): boolean {
  return /call stack/i.test(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function firstAlias(text: string): number {
  return Math.max(0, text.search(/\*\w/));
}

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

function start(node: Node | undefined): number | undefined {
  return node?.range?.[0];
}

function places(document: Document.Parsed, place: (offset: number) => Place) {
  const root: Found = { key: undefined, value: document.contents ?? undefined };

  function find(path: Path): { found: Found; complete: boolean } {
    let found = root;
    for (const key of path) {
      const next = step(found.value, key, document);
      if (next === undefined) return { found, complete: false };
      found = next;
    }
    return { found, complete: true };
  }

  return {
    placeOfKey(path: Path): Place {
      const { found } = find(path);
      return place(start(found.key) ?? start(found.value) ?? 0);
    },
    placeOfValue(path: Path): Place {
      const { found, complete } = find(path);
      if (!complete) return place(start(found.key) ?? start(found.value) ?? 0);
      return place(start(found.value) ?? start(found.key) ?? 0);
    },
  };
}

function step(node: Node | undefined, key: string | number, document: Document.Parsed): Found | undefined {
  const at = isAlias(node) ? node.resolve(document) : node;
  if (isMap(at)) {
    // The last one wins where a key stands twice, as in the value.
    const pair = at.items.findLast((item) => String(isNode(item.key) ? item.key : '') === String(key));
    if (pair === undefined) return undefined;
    return { key: pair.key as Node, value: (pair.value as Node | null) ?? undefined };
  }
  if (isSeq(at) && typeof key === 'number' && key < at.items.length) {
    const item = at.items[key] as Node;
    return { key: undefined, value: item };
  }
  return undefined;
}
