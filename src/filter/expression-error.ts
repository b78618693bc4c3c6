/** What is wrong with the text of an expression. `column` counts UTF-16 units of it from 0, line breaks too. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  readonly column: number;

  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}
