/** Behind what may stand before a key: nothing, no letter, or the escape of a line's end. */
const BEFORE = /(?:^|[^a-z]|\\[nrt])/.source;
/** Quotes at any level of escapes, and white space. */
const AROUND = /(?:\\[nrt]|[\\"'\s]){0,64}/.source;

const KIND = new RegExp(`${BEFORE}kind${AROUND}:${AROUND}Secret(?:List)?(?![a-z])`, 'i');
const DATA = new RegExp(`${BEFORE}(?:string)?data${AROUND}:`, 'i');

/**
 * Whether a text seems to hold a Secret with its data, as JSON, YAML or what Go prints, under any number of escapes.
 * It may be wrong the safe way: what it finds is looked at closely, or goes as a whole.
 */
export function holdsManifest(text: string): boolean {
  return KIND.test(text) && holdsData(text);
}

/** Whether it has a key that the data of a Secret stands under. */
export function holdsData(text: string): boolean {
  return DATA.test(text);
}
