/** Behind what may stand before a key: nothing, no letter, or the escape of a line's end. */
const BEFORE = /(?:^|[^a-z]|\\[nrt])/.source;
/** Quotes at any level of escapes, and white space. */
const AROUND = /(?:\\[nrt]|[\\"'\s]){0,64}/.source;

const KIND = new RegExp(`${BEFORE}kind${AROUND}:${AROUND}Secret(?:List)?(?![a-z])`, 'i');
/** The data, or a copy of it. */
const DATA = new RegExp(`(?:${BEFORE}(?:string)?data|last-?applied[a-z-]{0,40})${AROUND}:`, 'i');

const NAME = /Secret/i;

/** Escapes of so many levels that what stands around a key is not looked at any more. */
const DEEP = /\\{31}/;

/**
 * Whether a text seems to hold a Secret with its data, as JSON, YAML or what Go prints, under any number of escapes.
 * It may be wrong the safe way: what it finds is looked at closely, or goes as a whole.
 */
export function holdsManifest(text: string): boolean {
  return NAME.test(text) && ((KIND.test(text) && holdsData(text)) || DEEP.test(text));
}

/** Whether it has a key that the data of a Secret stands under, or a copy of them. */
export function holdsData(text: string): boolean {
  return DATA.test(text);
}
