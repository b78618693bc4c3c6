import type { ASTNode } from '@marcbachmann/cel-js';
import { Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import type { Event } from '../event/event.ts';
import type { Condition } from './condition.ts';
import { wholeNumber } from './condition.ts';
import { withAddresses } from './ip.ts';
import { ExpressionError } from './expression-error.ts';
import { linearPattern } from './pattern.ts';
import type { Field } from './vocabulary.ts';
import { fieldOf, keyOf } from './vocabulary.ts';

/** Macros that go through a list. */
const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/**
 * So many elements may an expression go through on one event, and so many more for each byte of it: what goes through each
 * list some times always may (an element takes two bytes), and what goes through one list within another cannot be made to
 * stall the agent by a long one.
 */
const FREE_ELEMENTS = 10_000;
const ELEMENTS_PER_BYTE = 4;

export const HAS_USAGE = 'has() takes a field of an object, such as has(objectRef.name)';

/**
 * Has cel-js evaluate what there is no closure for, at some microseconds an event. Where the expression names a field,
 * cel-js calls a function that reads it from the event: so a field is decoded only when it is needed, an unset one reads
 * as its zero value, and `matches` is RE2.
 */
export class Evaluation {
  readonly #environment: Environment;
  readonly #patterns: RE2JS[] = [];
  readonly #bodies = new Map<number, unknown>();
  #event: Event | null = null;
  #elementsLeft = 0;

  constructor() {
    this.#environment = withAddresses(new Environment({ limits: { maxDepth: 2000 } }))
      .registerFunction('fieldText(int): string', (slot: bigint) => this.#current.text(Number(slot)))
      .registerFunction('fieldInt(int): int', (slot: bigint) => BigInt(wholeNumber(this.#current, Number(slot))))
      .registerFunction('fieldList(int): list<string>', (slot: bigint) => [...this.#current.list(Number(slot))])
      .registerFunction('fieldBody(int): dyn', (slot: bigint) => this.#body(Number(slot)))
      .registerFunction('fieldIsSet(int): bool', (slot: bigint) => this.#current.has(Number(slot)))
      .registerFunction('annotations(int): map<string, string>', (slot: bigint) => this.#annotations(Number(slot)))
      .registerFunction('annotation(string): string', (key: string) => this.#current.annotation(key))
      .registerFunction('extra(int): map<string, list<string>>', (slot: bigint) => this.#extra(Number(slot)))
      .registerFunction('extraList(int, string): list<string>', (slot: bigint, key: string) => {
        return this.#extra(Number(slot)).get(key) ?? [];
      })
      .registerFunction('counted(A): A', (range: unknown) => this.#counted(range))
      .registerFunction('pattern(string, int): bool', (text: string, index: bigint) => {
        return (this.#patterns[Number(index)] as RE2JS).test(text);
      });
  }

  get #current(): Event {
    if (this.#event === null) throw new Error('no event is being judged');
    return this.#event;
  }

  #body(slot: number): unknown {
    if (!this.#bodies.has(slot))
      this.#bodies.set(slot, this.#current.has(slot) ? celValue(valueIn(this.#current, slot)) : new Map());
    return this.#bodies.get(slot);
  }

  /**
   * Pays for a walk over a list before it begins. Once all is spent each further walk fails at once, also where the one around it
   * goes on.
   *
   * @throws {Error}
   */
  #counted(range: unknown): unknown {
    this.#elementsLeft -= Array.isArray(range) ? range.length : range instanceof Map ? range.size : 0;
    if (this.#elementsLeft < 0) throw new Error('too many elements for one event: lists within lists');
    return range;
  }

  #annotations(slot: number): Map<string, string> {
    const entries = entriesIn(this.#current, slot);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  #extra(slot: number): Map<string, string[]> {
    const lists = entriesIn(this.#current, slot).map(([key, value]): [string, string[]] => {
      return [key, Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []];
    });
    return new Map(lists);
  }

  /** @throws {ExpressionError} */
  compile(node: ASTNode): Condition {
    const evaluate = this.#environment.parse(this.#rewrite(node));
    const { error } = evaluate.check();
    if (error !== undefined) throw new ExpressionError(error.summary, node.pos);
    return {
      fails: true,
      holds: (event) => {
        this.#event = event;
        this.#elementsLeft = FREE_ELEMENTS + ELEMENTS_PER_BYTE * (event.end - event.start);
        try {
          const value: unknown = evaluate();
          if (typeof value === 'boolean') return value;
          throw new TypeError(`the expression gives a ${typeof value}, not a bool`);
        } finally {
          this.#event = null;
          this.#bodies.clear();
        }
      },
    };
  }

  /** The text of a node with its fields as calls of the functions above; in parentheses wherever that may matter. */
  #rewrite(node: ASTNode): string {
    const field = fieldOf(node);
    if (field !== undefined) return read(field);
    switch (node.op) {
      case 'value':
        return node.input.slice(node.start, node.end);
      case 'id':
        return node.args;
      case '.':
      case '[]':
        return this.#access(node.args[0], node.op === '.' ? JSON.stringify(node.args[1]) : this.#rewrite(node.args[1]));
      case 'call':
        return this.#call(...node.args);
      case 'rcall':
        return this.#method(...node.args);
      case 'list':
        return `[${node.args.map((item) => this.#rewrite(item)).join(', ')}]`;
      case 'map':
        return `{${node.args.map(([key, value]) => `${this.#rewrite(key)}: ${this.#rewrite(value)}`).join(', ')}}`;
      case '?:':
        return this.#choice(...node.args);
      case '!_':
      case '-_':
        return `(${node.op[0]}${this.#rewrite(node.args)})`;
      case '.?':
      case '[?]':
        throw new ExpressionError('optional fields are not taken: an unset field reads as empty', node.pos);
      default:
        return `(${this.#rewrite(node.args[0])} ${node.op} ${this.#rewrite(node.args[1])})`;
    }
  }

  #choice(condition: ASTNode, positive: ASTNode, negative: ASTNode): string {
    return `(${this.#rewrite(condition)} ? ${this.#rewrite(positive)} : ${this.#rewrite(negative)})`;
  }

  /** An entry of `annotations` or of a user's `extra` is empty where it is not there. */
  #access(of: ASTNode, key: string): string {
    const field = fieldOf(of);
    if (field?.kind === 'map<string, string>') return `annotation(${key})`;
    if (field?.kind === 'map<string, list<string>>') return `extraList(${field.slot}, ${key})`;
    return `(${this.#rewrite(of)})[${key}]`;
  }

  #call(name: string, args: readonly ASTNode[]): string {
    const [first] = args;
    if (name !== 'has' || first === undefined) return `${name}(${args.map((arg) => this.#rewrite(arg)).join(', ')})`;
    const field = fieldOf(first);
    if (field !== undefined) return `fieldIsSet(${field.slot})`;
    const key = keyOf(first);
    if (key === undefined) throw new ExpressionError(HAS_USAGE, first.pos);
    // The macro asks variables only, and what it asks has become a call.
    return `(${JSON.stringify(key.name)} in ${this.#rewrite(key.of)})`;
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[]): string {
    const [first] = args;
    if (name === 'matches' && first !== undefined) {
      return `pattern(${this.#rewrite(receiver)}, ${this.#patterns.push(linearPattern(first)) - 1})`;
    }
    const range = this.#rewrite(receiver);
    const of = LOOPS.has(name) && first?.op === 'id' ? `counted(${range})` : `(${range})`;
    return `${of}.${name}(${args.map((arg) => this.#rewrite(arg)).join(', ')})`;
  }
}

function read({ slot, kind }: Field): string {
  switch (kind) {
    case 'string':
      return `fieldText(${slot})`;
    case 'int':
      return `fieldInt(${slot})`;
    case 'list<string>':
      return `fieldList(${slot})`;
    case 'map<string, string>':
      return `annotations(${slot})`;
    case 'map<string, list<string>>':
      return `extra(${slot})`;
    case 'dyn':
      return `fieldBody(${slot})`;
  }
}

function valueIn(event: Event, slot: number): unknown {
  return JSON.parse(event.bytes.toString('utf8', event.valueStart(slot), event.valueEnd(slot))) as unknown;
}

function entriesIn(event: Event, slot: number): readonly [string, unknown][] {
  if (!event.has(slot)) return [];
  const value = valueIn(event, slot);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** A JSON value as CEL has it: whole numbers are ints, objects are maps (where `__proto__` is a key as any other). */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(celValue);
  return new Map(Object.entries(value).map(([key, child]) => [key, celValue(child)]));
}
