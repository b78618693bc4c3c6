import type { ASTNode } from '@marcbachmann/cel-js';
import { ExpressionError } from './expression-error.ts';
import { fieldOf, isFieldName, isObjectName, keyOf } from './vocabulary.ts';

/** Macros whose first argument names a variable. */
const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);

/**
 * Refuses names that the type check lets pass: fields that an object does not have (in `has()`), objects that only hold
 * fields taken as a value, and variables of loops that would hide a field.
 *
 * @throws {ExpressionError}
 */
export function checkNames(node: ASTNode): void {
  if (fieldOf(node) !== undefined) return;
  if (node.op === 'id' && isObjectName(node.args)) {
    throw new ExpressionError(`${node.args} is no value: name one of its fields`, node.pos);
  }
  const key = keyOf(node);
  if (key?.of.op === 'id' && isObjectName(key.of.args)) {
    throw new ExpressionError(`no such field: ${key.of.args}.${key.name}`, node.pos);
  }
  if (node.op === 'rcall') checkVariable(...node.args);
  for (const child of childrenOf(node)) checkNames(child);
}

function checkVariable(method: string, _: ASTNode, [first]: readonly ASTNode[]): void {
  if (LOOPS.has(method) && first?.op === 'id' && isFieldName(first.args)) {
    throw new ExpressionError(`${first.args} is a field of the event: call the variable something else`, first.pos);
  }
}

/** The nodes that a node is made of. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}
