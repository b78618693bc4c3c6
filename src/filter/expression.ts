import type { ParseError } from '@marcbachmann/cel-js';
import type { Event } from '../event/event.ts';
import { compileCondition } from './condition.ts';
import { Evaluation, HAS_USAGE } from './evaluation.ts';
import { ExpressionError } from './expression-error.ts';
import { checkNames } from './names.ts';
import { vocabulary } from './vocabulary.ts';

/** An expression that can judge events, or what is wrong with its text; `column` counts its UTF-16 units from 0. */
export type CompiledExpression =
  | {
      readonly ok: true;
      /** @throws what went wrong on this event: no such key in a body, an overflow … */
      readonly holds: (event: Event) => boolean;
    }
  | { readonly ok: false; readonly message: string; readonly column: number };

/**
 * Compiles a CEL expression over the fields of an event (docs/filters.md). Names and types are checked here, so that
 * on an event only what depends on its values can fail.
 */
export function compileExpression(text: string): CompiledExpression {
  try {
    const { ast, check } = vocabulary.parse(text);
    checkNames(ast);
    const { error, type } = check();
    if (error !== undefined) return finding(error);
    if (type !== 'bool' && type !== 'dyn') {
      return { ok: false, message: `gives a ${type}, not a bool: compare it with something`, column: ast.start };
    }
    let evaluation: Evaluation | undefined;
    const { holds } = compileCondition(ast, (node) => {
      evaluation ??= new Evaluation();
      return evaluation.compile(node);
    });
    return { ok: true, holds };
  } catch (error) {
    if (error instanceof ExpressionError) return { ok: false, message: error.message, column: error.column };
    if (isCelError(error)) return finding(error);
    throw error;
  }
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
