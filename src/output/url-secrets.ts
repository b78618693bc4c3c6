/**
 * What must not show up in words although it stands outside of the configuration's secrets: the password in a proxy's URL, plain and as
 * it is sent, and the values in the query of an endpoint's URL, where tokens are often put.
 */
export function urlSecrets(proxies: readonly string[], endpoints: readonly string[]): readonly string[] {
  const secrets: string[] = [];
  for (const text of proxies) {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.password === '') continue;
    const [username, password] = [decoded(url.username), decoded(url.password)];
    secrets.push(url.password, password, Buffer.from(`${username}:${password}`).toString('base64'));
  }
  for (const text of endpoints) {
    const { searchParams, search, username, password } = new URL(text);
    for (const [name, value] of searchParams) {
      if (!TELLING_NAME.test(name)) continue;
      secrets.push(value, encodeURIComponent(value));
      if (search.includes('+')) secrets.push(value.replaceAll(' ', '+'));
    }
    if (password !== '') secrets.push(password, Buffer.from(`${username}:${password}`).toString('base64'));
  }
  return [...new Set(secrets)].filter((secret) => secret.length >= MIN_SECRET_LENGTH);
}

/** Names of headers and parameters whose value is a secret even where it stands in the configuration itself. */
export const TELLING_NAME = /auth|token|key|secret|cookie|pass|pwd|credential|^sig|^code$/i;

/** Shorter ones would blot out plain words. */
export const MIN_SECRET_LENGTH = 6;

/** As it is sent. What is no proper encoding stays as it stands. */
function decoded(text: string): string {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
