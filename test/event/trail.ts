import { readFileSync } from 'node:fs';

/** Some recorded events, short ones first. */
export const recorded: readonly string[] = readFileSync(new URL('../fixtures/events.log', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .sort((a, b) => a.length - b.length);

/** What is left of an event of which only so many characters were written. */
export function torn(event: string, length: number): string {
  return event.slice(0, length);
}

/** A whole and valid event that a user puts into a body: a custom resource may have any apiVersion and kind. */
export const lookAlike =
  '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete",' +
  '"requestURI":"/","verb":"get","user":{"username":"forged"},"stageTimestamp":"2026-11-23T05:07:04.591933Z"}';
