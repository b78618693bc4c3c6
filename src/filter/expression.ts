import type { ASTNode, ParseError } from '@marcbachmann/cel-js';
import type { Event } from '../event/event.ts';
import { compileCondition, type Condition, type Fallback } from './condition.ts';
import { Evaluation, HAS_USAGE } from './evaluation.ts';
import { ExpressionError } from './expression-error.ts';
import { checkNames, childrenOf } from './names.ts';
import { fieldOf, vocabulary } from './vocabulary.ts';

/** An expression that can judge events, or what is wrong with its text; `column` counts its UTF-16 units from 0. */
export type CompiledExpression =
  | {
      readonly ok: true;
      /** @throws what went wrong on this event: no such key in a body, an overflow … */
      readonly holds: (event: Event) => boolean;
    }
  | { readonly ok: false; readonly message: string; readonly column: number };

/** A side of the `&&` of an expression; all of them have to hold. */
export interface Conjunct extends Condition {
  /** Slots of the fields that it reads, and of nothing else. */
  readonly slots: ReadonlySet<number>;
}

/** An expression as its conjuncts, in the order of the text. Where one does not hold, it does not matter whether others fail. */
export type CompiledConjuncts =
  | { readonly ok: true; readonly conjuncts: readonly Conjunct[] }
  | { readonly ok: false; readonly message: string; readonly column: number };

/**
 * Compiles a CEL expression over the fields of an event (docs/filters.md). Names and types are checked here, so that
 * on an event only what depends on its values can fail.
 */
export function compileExpression(text: string): CompiledExpression {
  return compile(text, (ast, fallback) => ({ ok: true, holds: compileCondition(ast, fallback).holds }));
}

/** The same, for whoever asks many expressions and wants to ask each of their sides where that costs least. */
export function compileConjuncts(text: string): CompiledConjuncts {
  return compile(text, (ast, fallback) => {
    const conjuncts = sidesOf(ast).map((side) => ({ ...compileCondition(side, fallback), slots: slotsOf(side) }));
    return { ok: true, conjuncts };
  });
}

function compile<Compiled>(text: string, make: (ast: ASTNode, fallback: Fallback) => Compiled) {
  try {
    const { ast, check } = vocabulary().parse(text);
    checkNames(ast);
    const { error, type } = check();
    if (error !== undefined) return finding(error);
    if (type !== 'bool' && type !== 'dyn') {
      return {
        ok: false,
        message: `gives a ${type}, not a bool: compare it with something`,
        column: ast.start,
      } as const;
    }
    let evaluation: Evaluation | undefined;
    return make(ast, (node) => {
      evaluation ??= new Evaluation();
      return evaluation.compile(node);
    });
  } catch (error) {
    if (error instanceof ExpressionError) return { ok: false, message: error.message, column: error.column } as const;
    if (isCelError(error)) return finding(error);
    throw error;
  }
}

function sidesOf(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(sidesOf) : [node];
}

function slotsOf(node: ASTNode): ReadonlySet<number> {
  const field = fieldOf(node);
  if (field !== undefined) return new Set([field.slot]);
  return new Set(childrenOf(node).flatMap((child) => [...slotsOf(child)]));
}

function isCelError(error: unknown): error is ParseError {
  return error instanceof Error && 'summary' in error && 'code' in error;
}

function finding({ code, summary, range, node }: Pick<ParseError, 'code' | 'summary' | 'range' | 'node'>) {
  return { ok: false, message: message(code, summary), column: range?.start ?? node?.pos ?? 0 } as const;
}

/** cel-js speaks of variables and tokens; a person thinks of fields and text. */
function message(code: string, summary: string): string {
  if (code === 'unknown_variable') return summary.replace('Unknown variable', 'no such field');
  if (code === 'invalid_macro_argument' && summary.startsWith('has()')) return HAS_USAGE;
  if (summary === 'Unexpected token: EOF') return 'the expression ends where something is missing';
  return summary.slice(0, 1).toLowerCase() + summary.slice(1);
}
