import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { messageOf } from '../../errors.ts';
import type { Place, PolicyFinding } from './policy.ts';
import { resolvePlain } from './yaml-scalar.ts';

/** A value of the policy's text and where it stands. */
export type Written = Place &
  (
    | { readonly type: 'object'; readonly members: readonly WrittenMember[] }
    | { readonly type: 'list'; readonly items: readonly Written[] }
    | { readonly type: 'text'; readonly text: string }
    /** Plain text of YAML that is no string: `yes`, `5`. */
    | { readonly type: 'boolean' | 'number'; readonly text: string; readonly isTrue: boolean }
    | { readonly type: 'null' }
  );

export interface WrittenMember extends Place {
  readonly key: string;
  readonly value: Written;
  /** It came in by a merge key (`<<`). */
  readonly isMerged: boolean;
}

export interface PolicyText {
  readonly root: Written | undefined;
  readonly isJson: boolean;
  readonly findings: readonly PolicyFinding[];
}

/** A few lines of aliases may stand for millions of values; those of a policy stand for some hundreds. */
const MAX_ALIASED = 10_000;

/**
 * Takes a policy apart as the API server does: what begins with a brace is JSON; all else is YAML in the old way (`yes`
 * is true, of a key that stands twice the last one counts, also when a merge key brings it), and only its first document.
 */
export function readPolicyText(text: string): PolicyText {
  const isJson = /^\s*\{/.test(text);
  if (isJson) {
    try {
      JSON.parse(text);
    } catch (error) {
      const message = `begins with a brace, so it is read as JSON, and is none: ${messageOf(error)}`;
      return { root: undefined, isJson, findings: [finding(1, 1, message)] };
    }
  }
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const options = { schema: 'failsafe', uniqueKeys: false, lineCounter: lines, prettyErrors: false, logLevel: 'error' };
  let document: Document.Parsed | undefined;
  try {
    document = parseAllDocuments(text, options as Parameters<typeof parseAllDocuments>[1])[0] as typeof document;
    const [error] = document?.errors ?? [];
    if (error !== undefined) {
      const at = place(error.pos[0]);
      const words =
        error.code === 'TAB_AS_INDENT' ? 'a tab: YAML is indented with spaces only' : `is no YAML: ${error.message}`;
      return { root: undefined, isJson, findings: [finding(at.line, at.column, words)] };
    }
    const contents = document?.contents ?? null;
    return {
      root: contents === null ? undefined : new Reader(document as Document, place).read(contents),
      isJson,
      findings: [],
    };
  } catch (error) {
    // Nesting so deep that the stack ends, and aliases of what is not there, within themselves, or without end.
    return { root: undefined, isJson, findings: [finding(1, 1, `cannot be read: ${messageOf(error)}`)] };
  }
}

function finding(line: number, column: number, message: string): PolicyFinding {
  return { level: 'error', line, column, path: '', message };
}

class Reader {
  readonly #document: Document;
  readonly #place: (offset: number) => Place;
  readonly #within = new Set<Node>();
  /** How many aliases stand around what is being read. */
  #aliases = 0;
  #aliased = 0;

  constructor(document: Document, place: (offset: number) => Place) {
    this.#document = document;
    this.#place = place;
  }

  read(node: Node): Written {
    if (this.#aliases > 0) this.#aliased += 1;
    if (this.#aliased > MAX_ALIASED) throw new Error(`its aliases stand for more than ${MAX_ALIASED} values`);
    const at = this.#place(node.range?.[0] ?? 0);
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) throw new Error(`line ${at.line}: no anchor is called ${node.source}`);
      if (this.#within.has(target)) throw new Error(`line ${at.line}: ${node.source} holds itself`);
      this.#aliases += 1;
      const value = this.read(target);
      this.#aliases -= 1;
      return { ...value, ...at };
    }
    if (isScalar(node)) {
      const text = String(node.value ?? '');
      if (node.type !== 'PLAIN' || node.tag === 'tag:yaml.org,2002:str') return { ...at, type: 'text', text };
      const type = resolvePlain(text);
      if (type === 'text') return { ...at, type, text };
      if (type === 'null') return { ...at, type };
      return { ...at, type, text, isTrue: type === 'boolean' && /^(y|yes|true|on)$/i.test(text) };
    }
    this.#within.add(node);
    const value: Written = isSeq(node)
      ? { ...at, type: 'list', items: node.items.map((item) => this.#item(item, at)) }
      : { ...at, type: 'object', members: this.#members(node, at) };
    this.#within.delete(node);
    return value;
  }

  #item(node: unknown, around: Place): Written {
    return node === null || node === undefined ? { ...around, type: 'null' } : this.read(node as Node);
  }

  #members(node: Node, around: Place): readonly WrittenMember[] {
    if (!isMap(node)) return [];
    return node.items.flatMap((pair): readonly WrittenMember[] => {
      const key = this.#item(pair.key, around);
      const value = this.#item(pair.value, key);
      const name = 'text' in key ? key.text : key.type === 'null' ? 'null' : '?';
      const isMerge = name === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN';
      if (!isMerge) return [{ line: key.line, column: key.column, key: name, value, isMerged: false }];
      // Of several, the first one counts most: it comes last.
      const merged = value.type === 'list' ? value.items.toReversed() : [value];
      return merged.flatMap((from) => {
        if (from.type !== 'object') throw new Error(`line ${key.line}: what << merges is no object`);
        return from.members.map((member) => ({ ...member, isMerged: true }));
      });
    });
  }
}
