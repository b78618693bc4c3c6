import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { auditail } from '../cli/fake-terminal.ts';

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

const DOCUMENTS = [
  'README.md',
  'deploy/README.md',
  ...readdirSync(at('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function at(place: string): URL {
  return new URL(`../../${place}`, import.meta.url);
}

/** What a document says to type, as words: `auditail …` in code, up to a comment or a pipe. */
function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  );
  const spans = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans].flatMap((line) => {
    const [, words = ''] = /(?:^|&& |\| )(?:auditail|npx auditail) ([^|>#&;<]*)/.exec(line.trim()) ?? [];
    return words === '' ? [] : [words.trim()];
  });
}

describe.each(DOCUMENTS)('%s', (document) => {
  const commands = new Set(commandsIn(readFileSync(at(document), 'utf8')));

  it.runIf(commands.size > 0)('shows only commands and flags that there are', async () => {
    for (const command of commands) {
      const words = command.split(/\s+/);
      const [first = '', second = ''] = words;
      if (first.startsWith('-') || first === 'help') continue;
      const group = (await auditail(['help', first])).out;
      const nested = new RegExp(`^ {2}${second}(?: |$)`, 'm').test(group.split('Commands:')[1] ?? '');
      const named = nested && second !== '' ? [first, second] : [first];
      const { exit, out } = await auditail([...named, '--help']);
      expect([exit, command, out]).toEqual([0, command, expect.stringContaining(`auditail ${named.join(' ')}`)]);
      if (group.includes('Commands:') && words.length > 1) expect(named, command).toHaveLength(2);
      for (const flag of words.filter((word) => word.startsWith('--')))
        expect(out, command).toContain(flag.split('=')[0] ?? '');
    }
  });
});

describe('the runbook', () => {
  it('names every way in which a part of the trail is lost', () => {
    const source = readFileSync(at('src/log/loss.ts'), 'utf8');
    const reasons = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, reason = '']) => reason);
    expect(reasons.length).toBeGreaterThan(5);
    // What was left out on purpose is no loss.
    const lost = reasons.filter((reason) => reason !== 'not-taken');
    const [, section = ''] = runbook.split('### AuditailTrailLost');
    const rows = [...(section.split('### ')[0] ?? '').matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell).join();
    expect(lost.filter((reason) => !rows.includes(`\`${reason}\``))).toEqual([]);
  });

  it('names only options that there are', () => {
    const schema = JSON.stringify(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }));
    // The Helm chart has some of its own.
    const options = [...runbook.matchAll(/`((?:[a-z][A-Za-z]*\.)+[a-z][A-Za-z]*)(?:: [^`]*)?`/g)].map(
      ([, option = '']) => option,
    );
    const known = options.filter((option) => !/^prometheusRule\.|\.(yaml|json|md)$/.test(option));
    expect(known.length).toBeGreaterThan(5);
    const unknown = known.flatMap((option) => option.split('.')).filter((word) => !schema.includes(`"${word}"`));
    expect(unknown).toEqual([]);
  });

  it.each(Object.keys(ERROR_CODES))('says what %s means and what to do', (code) => {
    expect(runbook).toContain(`\n### ${code}\n`);
  });

  it('knows no code that the program does not have', () => {
    const headings = [...runbook.matchAll(/^### (AUD_\w+)$/gm)].map((match) => match[1]);
    expect(headings.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });
});
