import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { messageOf } from '../errors.ts';
import { ExpressionError } from './expression-error.ts';

/**
 * The regular expression that is written out as the argument of `matches`: RE2 syntax, as Kubernetes takes it, in time
 * linear in the text. JavaScript's own would let whoever names an object stop the agent for minutes.
 *
 * @throws {ExpressionError} where it is not written out, or no RE2 expression
 */
export function linearPattern(argument: ASTNode): RE2JS {
  if (argument.op !== 'value' || typeof argument.args !== 'string') {
    throw new ExpressionError('matches() takes a pattern that is written out here', argument.start);
  }
  try {
    return RE2JS.compile(argument.args);
  } catch (error) {
    throw new ExpressionError(`not a regular expression (RE2): ${messageOf(error)}`, argument.start);
  }
}
