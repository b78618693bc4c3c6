import type { ASTNode } from '@marcbachmann/cel-js';
import type { Event } from '../event/event.ts';
import { linearPattern } from './pattern.ts';
import { equals, startsWith } from './text-test.ts';
import { fieldOf, keyOf } from './vocabulary.ts';

/** A compiled expression. */
export interface Condition {
  /** @throws what went wrong on this event, if `fails`. */
  readonly holds: (event: Event) => boolean;
  /** Whether `holds` can throw: only what cel-js evaluates can. */
  readonly fails: boolean;
}

/** Compiles what this compiler has no closure for. */
export type Fallback = (node: ASTNode) => Condition;

/** Literal lists longer than this are looked up in a set, on decoded text. */
const MAX_COMPARED = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Compiles a node whose type is bool into closures over the lazy event; the node has passed the type check. */
export function compileCondition(node: ASTNode, fallback: Fallback): Condition {
  switch (node.op) {
    case '&&':
    case '||': {
      const [left, right] = node.args;
      const both = [compileCondition(left, fallback), compileCondition(right, fallback)] as const;
      return node.op === '&&' ? and(...both) : or(...both);
    }
    case '!_': {
      const { holds, fails } = compileCondition(node.args, fallback);
      return { holds: (event) => !holds(event), fails };
    }
    case 'value':
      return node.args === true || node.args === false ? sure(always(node.args)) : fallback(node);
    default: {
      const holds = compileTest(node);
      return holds === undefined ? fallback(node) : sure(holds);
    }
  }
}

function sure(holds: (event: Event) => boolean): Condition {
  return { holds, fails: false };
}

function always(value: boolean): () => boolean {
  return () => value;
}

/** `&&` as in CEL: what fails on one side does not count where the other side is false. */
function and(left: Condition, right: Condition): Condition {
  if (!left.fails) return { holds: (event) => left.holds(event) && right.holds(event), fails: right.fails };
  return { holds: (event) => !either(negated(left), negated(right), event), fails: true };
}

/** `||` as in CEL: what fails on one side does not count where the other side is true. */
function or(left: Condition, right: Condition): Condition {
  if (!left.fails) return { holds: (event) => left.holds(event) || right.holds(event), fails: right.fails };
  return { holds: (event) => either(left, right, event), fails: true };
}

function negated({ holds, fails }: Condition): Condition {
  return { holds: (event) => !holds(event), fails };
}

function either(left: Condition, right: Condition, event: Event): boolean {
  let held: boolean;
  try {
    held = left.holds(event);
  } catch (error) {
    if (right.holds(event)) return true;
    throw error;
  }
  return held || right.holds(event);
}

/** A text that is read from the event; `slot` where it is a field as it stands. */
interface Text {
  readonly slot: number | undefined;
  readonly read: (event: Event) => string;
}

function textOf(node: ASTNode): Text | undefined {
  const field = fieldOf(node);
  if (field?.kind === 'string') return { slot: field.slot, read: (event) => event.text(field.slot) };
  const key = keyOf(node);
  if (key === undefined || fieldOf(key.of)?.kind !== 'map<string, string>') return undefined;
  return { slot: undefined, read: (event) => event.annotation(key.name) };
}

function numberOf(node: ASTNode): ((event: Event) => number) | undefined {
  if (node.op === 'call' && node.args[0] === 'size') return sizeOf(node.args[1]);
  const field = fieldOf(node);
  if (field?.kind !== 'int') return undefined;
  return (event) => wholeNumber(event, field.slot);
}

/** `size(auditID)`: code points, as CEL counts them. */
function sizeOf([of, ...others]: readonly ASTNode[]): ((event: Event) => number) | undefined {
  const text = of === undefined || others.length > 0 ? undefined : textOf(of);
  if (text === undefined) return undefined;
  const { slot, read } = text;
  return (event) =>
    slot === undefined ? sizeOfText(read(event)) : (asciiSize(event, slot) ?? sizeOfText(read(event)));
}

function sizeOfText(text: string): number {
  let size = 0;
  for (const _ of text) size += 1;
  return size;
}

/** The size of a text of ASCII without escapes, which is not decoded for that; undefined of another. */
function asciiSize(event: Event, slot: number): number | undefined {
  const { bytes } = event;
  const start = event.valueStart(slot);
  const end = event.valueEnd(slot) - 1;
  if (start === -1 || bytes[start] !== QUOTE) return 0;
  for (let at = start + 1; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= 0x80) return undefined;
  }
  return end - start - 1;
}

/** A number field of type int; what is no whole number reads as 0, as unset does. */
export function wholeNumber(event: Event, slot: number): number {
  const value = event.number(slot);
  return Number.isSafeInteger(value) ? value : 0;
}

function compileTest(node: ASTNode): ((event: Event) => boolean) | undefined {
  switch (node.op) {
    case '==':
    case '!=': {
      const [left, right] = node.args;
      const same = compileEqual(left, right) ?? compileEqual(right, left);
      return same === undefined || node.op === '==' ? same : (event) => !same(event);
    }
    case '<':
    case '<=':
    case '>':
    case '>=': {
      const [left, right] = node.args;
      return compileOrder(left, node.op, right) ?? compileOrder(right, MIRRORED[node.op], left);
    }
    case 'in':
      return compileMembership(...node.args);
    case 'call':
      return compileHas(node);
    case 'rcall':
      return compileMethod(node);
    default:
      return undefined;
  }
}

function compileEqual(left: ASTNode, right: ASTNode): ((event: Event) => boolean) | undefined {
  const literal = literalOf(right);
  if (typeof literal === 'string') {
    const text = textOf(left);
    if (text?.slot !== undefined) return equals(text.slot, literal);
    return text && ((event) => text.read(event) === literal);
  }
  const number = numberOf(left);
  if (number !== undefined) {
    const value = smallInteger(literal);
    return value === undefined ? undefined : (event) => number(event) === value;
  }
  const one = textOf(left);
  const other = textOf(right);
  return one && other && ((event) => one.read(event) === other.read(event));
}

type Order = '<' | '<=' | '>' | '>=';
const MIRRORED = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const satisfies Record<Order, Order>;

function compileOrder(left: ASTNode, order: Order, right: ASTNode): ((event: Event) => boolean) | undefined {
  const number = numberOf(left);
  const value = smallInteger(literalOf(right));
  if (number === undefined || value === undefined) return undefined;
  switch (order) {
    case '<':
      return (event) => number(event) < value;
    case '<=':
      return (event) => number(event) <= value;
    case '>':
      return (event) => number(event) > value;
    case '>=':
      return (event) => number(event) >= value;
  }
}

function compileMembership(member: ASTNode, list: ASTNode): ((event: Event) => boolean) | undefined {
  const field = fieldOf(list);
  if (field?.kind === 'list<string>') {
    const literal = literalOf(member);
    if (typeof literal === 'string') return (event) => event.list(field.slot).includes(literal);
    const text = textOf(member);
    return text && ((event) => event.list(field.slot).includes(text.read(event)));
  }
  if (list.op !== 'list') return undefined;
  const values = list.args.map(literalOf);
  const text = textOf(member);
  if (text !== undefined && values.every((value) => typeof value === 'string')) {
    const { slot, read } = text;
    const set = new Set(values);
    if (slot === undefined || set.size > MAX_COMPARED) return (event) => set.has(read(event));
    const tests = [...set].map((value) => equals(slot, value));
    return (event) => tests.some((test) => test(event));
  }
  const number = numberOf(member);
  const numbers = values.map(smallInteger);
  return number && !numbers.includes(undefined) ? (event) => numbers.includes(number(event)) : undefined;
}

/** `has(user.groups)`: whether the field is there and not null. */
function compileHas(node: ASTNode & { readonly op: 'call' }): ((event: Event) => boolean) | undefined {
  const [name, [target]] = node.args;
  const field = name === 'has' && target !== undefined ? fieldOf(target) : undefined;
  return field && ((event) => event.has(field.slot));
}

function compileMethod(node: ASTNode & { readonly op: 'rcall' }): ((event: Event) => boolean) | undefined {
  const [name, receiver, args] = node.args;
  const [argument] = args;
  const text = textOf(receiver);
  if (text === undefined || argument === undefined || args.length !== 1) return undefined;
  const literal = literalOf(argument);
  if (typeof literal !== 'string') return undefined;
  switch (name) {
    case 'startsWith':
      return text.slot === undefined ? (event) => text.read(event).startsWith(literal) : startsWith(text.slot, literal);
    case 'endsWith':
      return (event) => text.read(event).endsWith(literal);
    case 'contains':
      return (event) => text.read(event).includes(literal);
    case 'matches': {
      const pattern = linearPattern(argument);
      return (event) => pattern.test(text.read(event));
    }
    default:
      return undefined;
  }
}

function literalOf(node: ASTNode): unknown {
  if (node.op === 'value') return node.args;
  if (node.op === '-_' && node.args.op === 'value' && typeof node.args.args === 'bigint') return -node.args.args;
  return undefined;
}

/** An int literal that a JavaScript number holds exactly. */
function smallInteger(literal: unknown): number | undefined {
  if (typeof literal !== 'bigint') return undefined;
  const value = Number(literal);
  return Number.isSafeInteger(value) ? value : undefined;
}
