/** A piece of a text: what the rule's author wrote, or what came out of an event. */
export type Piece = { readonly text: string } | { readonly value: string };

/** A text with places to be filled in. */
export interface Template {
  readonly pieces: readonly ({ readonly text: string } | { readonly name: string })[];
  /** The names of the places. */
  readonly names: readonly string[];
}

/** Takes `{{name}}` apart; a sentence where a place is not closed. */
export function parseTemplate(text: string): Template | { readonly problem: string; readonly column: number } {
  const pieces: ({ readonly text: string } | { readonly name: string })[] = [];
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf('{{', at);
    if (open === -1) {
      pieces.push({ text: text.slice(at) });
      break;
    }
    const close = text.indexOf('}}', open);
    if (close === -1) return { problem: 'a place begins here and is not closed with }}', column: open };
    if (open > at) pieces.push({ text: text.slice(at, open) });
    pieces.push({ name: text.slice(open + 2, close).trim() });
    at = close + 2;
  }
  return { pieces, names: pieces.flatMap((piece) => ('name' in piece ? [piece.name] : [])) };
}

/** Fills the places in. What came out of events stays apart, as each receiver has its own way to make it harmless. */
export function fill(template: Template, valueOf: (name: string) => string): readonly Piece[] {
  return template.pieces.map((piece) => ('name' in piece ? { value: valueOf(piece.name) } : piece));
}

/** The whole text, with what came out of events made harmless. */
export function render(pieces: readonly Piece[], escape: (value: string) => string): string {
  return pieces.map((piece) => ('text' in piece ? piece.text : escape(piece.value))).join('');
}

/** Controls, what turns the direction of text around, half surrogates, separators of lines: nothing a person should get. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** One line of plain text. */
export function plain(value: string): string {
  return value.replaceAll(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** What the author of a rule wrote, for Slack: its own formatting stays. */
export function slackEscape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * Text for Slack's mrkdwn: nobody is called by an object's name, nothing becomes a link or bold. What it takes for
 * control is `&`, `<` and `>` (their documented escapes); the signs of its formatting lose it before a zero-width space.
 */
export function slackText(value: string): string {
  return slackEscape(plain(value)).replaceAll(/[*_~`|@#:/]/g, (sign) =>
    sign === ':' || sign === '/' ? `${sign}\u2060` : `\u2060${sign}`,
  );
}
