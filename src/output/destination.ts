import type { NetworkOutputConfig } from '../config/schema.ts';

/** Names where an output delivers to: its type, the first URL without its query (which may hold a token), and what it writes into. */
export function destinationOf({ type, url }: NetworkOutputConfig, into = ''): string {
  const { origin, pathname } = new URL(typeof url === 'string' ? url : (url[0] as string));
  return [type, origin + pathname.replace(/\/+$/, ''), into].filter((part) => part !== '').join(' ');
}
