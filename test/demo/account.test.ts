import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { account } from '../../src/demo/account.ts';
import { contentId } from '../../src/demo/content.ts';
import { type Scene, setScene } from '../../src/demo/scene.ts';

const ALL = ['elasticsearch', 'loki', 'http'] as const;

async function scene(events: number): Promise<Scene & { readonly lines: readonly Buffer[] }> {
  const set = await setScene();
  onTestFinished(() => set.clear());
  const lines: Buffer[] = [];
  for (let written = 0; written < events; written += 1) {
    const line = set.writer.nextLine();
    lines.push(line);
    (set.written as Set<string>).add(contentId(line));
  }
  return { ...set, lines };
}

function deliver({ receiver }: Scene, lines: readonly Buffer[], to: readonly (typeof ALL)[number][]): void {
  for (const line of lines) for (const name of to) receiver[name].tally.store(line);
}

function text(lines: readonly string[]): string {
  return stripVTControlCharacters(lines.join('\n'));
}

test('the balance holds when everything arrived once', async () => {
  const set = await scene(5);
  deliver(set, set.lines, ALL);
  const { holds, lines } = account(set, 1);
  expect(holds).toBe(true);
  expect(text(lines)).toMatch(/Loki +5 +5 +0 +0 +0/);
});

test('one missing event is one lost', async () => {
  const set = await scene(5);
  deliver(set, set.lines, ['elasticsearch', 'loki']);
  deliver(set, set.lines.slice(1), ['http']);
  const { holds, lines } = account(set, 1);
  expect(holds).toBe(false);
  expect(text(lines)).toMatch(/HTTP +5 +4 +1 +0 +0/);
});

test('a changed event is one lost and one changed', async () => {
  const set = await scene(2);
  deliver(set, set.lines, ['elasticsearch', 'http']);
  const changed = set.lines.map((line, index) =>
    index === 0 ? Buffer.from(line.toString().replace('"verb":"', '"verb":"x')) : line,
  );
  deliver(set, changed, ['loki']);
  const { holds, lines } = account(set, 1);
  expect(holds).toBe(false);
  expect(text(lines)).toMatch(/Loki +2 +1 +1 +1 +0/);
});

test('a copy in Elasticsearch breaks the balance, whatever was in flight', async () => {
  const set = await scene(1);
  deliver(set, set.lines, ALL);
  set.receiver.elasticsearch.tally.store(set.lines[0] as Buffer);
  expect(account(set, 1).holds).toBe(false);
});

test('copies with HTTP are allowed up to what may have been in flight, and without a kill not at all', async () => {
  const set = await scene(3);
  const body = Buffer.concat(set.lines);
  const post = () =>
    fetch(set.receiver.http.url, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } });
  deliver(set, set.lines, ['elasticsearch', 'loki']);
  await post();
  expect(account(set, 0).holds).toBe(true);
  await post();
  expect(account(set, 0).holds).toBe(false);
  expect(account(set, 1).holds).toBe(true);
  await post();
  await post();
  expect(account(set, 1).holds).toBe(false);
});
