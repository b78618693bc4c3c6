const MAX_BYTES = 2048;

/** How much of an answer is looked at: an error page may carry a whole stylesheet, and nobody reads further. */
const MAX_INPUT = 8192;

const ESCAPE = String.fromCharCode(0x1b);

/**
 * What a receiver said, fit for a log line and a terminal: one line of at most 2 KiB of UTF-8 without control
 * characters, escape codes and direction marks. Of HTML only the text is left.
 */
export function words(said: Buffer | string): string {
  let text = typeof said === 'string' ? said.slice(0, MAX_INPUT) : said.toString('utf8', 0, MAX_INPUT);
  text = withoutEscapes(text);
  if (/<(?:!doctype|html|head|body|title|h1)\b/i.test(text.slice(0, 1024))) text = textOfHtml(text);
  return cut(
    text
      .toWellFormed()
      .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
      .trim(),
  );
}

/** Takes out the control sequences of terminals: `ESC [ … letter` and `ESC ] …`. */
function withoutEscapes(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  const [first, ...rest] = text.split(ESCAPE);
  return first + rest.map((piece) => piece.replace(/^(?:\[[0-?]*[ -/]*[@-~]?|\][^\p{Cc}]*)/u, '')).join('');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };

function textOfHtml(html: string): string {
  return html
    .replace(/<!--.*?-->|<(script|style)\b.*?<\/\1\s*>/gis, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? ' ');
}

function cut(text: string): string {
  if (text.length * 3 <= MAX_BYTES || Buffer.byteLength(text) <= MAX_BYTES) return text;
  const bytes = Buffer.from(text);
  let end = MAX_BYTES - 3; // room for the ellipsis
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1; // not inside a character
  return `${bytes.toString('utf8', 0, end)}…`;
}
