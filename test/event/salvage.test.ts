import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { salvage } from '../../src/event/salvage.ts';
import { lookAlike, recorded, torn } from './trail.ts';

/** The pieces as text, the torn ones with a question mark before them. */
function pieces(line: string | Buffer, ended = true): readonly string[] {
  const bytes = Buffer.concat([Buffer.from('before\n'), Buffer.from(line), Buffer.from('\n{"after":1}')]);
  const end = 'before\n'.length + Buffer.byteLength(line);
  let at = 'before\n'.length;
  return salvage(bytes, at, end, ended).map((piece) => {
    expect(piece.start).toBe(at);
    at = piece.end;
    return `${piece.kind === 'torn' ? '?' : ''}${bytes.toString('utf8', piece.start, piece.end)}`;
  });
}

const [first, second, third] = recorded as [string, string, string];

describe('what a writer leaves behind', () => {
  it('an event that is glued to a torn one is found wherever the tear is', () => {
    for (let tear = 1; tear < first.length; tear += 1) {
      const head = torn(first, tear);
      expect(pieces(head + second)).toEqual([`?${head}`, second]);
    }
  });

  it('an event that is glued to a torn one is found in a line without an end too, but where a value was due', () => {
    for (let tear = 1; tear < first.length; tear += 1) {
      const head = torn(first, tear);
      const found = pieces(head + second, false);
      if (isValueDue(head)) expect(found).toEqual([`?${head}${second}`]);
      else expect(found).toEqual([`?${head}`, second]);
    }
  });

  it('the line that a full disk tore is an event set aside and an event', () => {
    const lines = readFileSync(new URL('../fixtures/events/torn.log', import.meta.url), 'utf8').split('\n');
    const line = lines.find((text) => text.lastIndexOf('{"kind":"Event"') > 0);
    const found = pieces(line as string);
    expect(found).toHaveLength(2);
    expect(() => JSON.parse(found[0] as string)).toThrow();
    expect(JSON.parse(found[1] as string)).toMatchObject({ kind: 'Event', stage: 'ResponseComplete' });
  });

  it('several torn events in one line are set aside one by one', () => {
    const heads = [torn(first, 60), torn(second, 333), torn(third, 90)];
    expect(pieces(heads.join('') + first)).toEqual([...heads.map((head) => `?${head}`), first]);
  });

  it('events without a line feed between them are events', () => {
    expect(pieces(first + second + third)).toEqual([first, second, third]);
    expect(pieces(first + second + third, false)).toEqual([first, second, third]);
  });

  it('a whole event before a torn one is an event', () => {
    const head = torn(second, 200);
    expect(pieces(first + head, false)).toEqual([first, `?${head}`]);
  });

  it('NULs before an event and between a torn and a whole one are set aside', () => {
    expect(pieces('\0'.repeat(5000) + first)).toEqual([`?${'\0'.repeat(5000)}`, first]);
    for (let tear = 1; tear < first.length; tear += 7) {
      const head = `${torn(first, tear)}\0\0\0`;
      expect(pieces(head + second)).toEqual([`?${head}`, second]);
    }
  });

  it('a line of which nothing can be saved is one torn piece', () => {
    for (const line of ['x', '{', '{}', '[1', '\0', torn(first, 400), `${first}x`, `${first}}`]) {
      expect(pieces(line)).toEqual([`?${line}`]);
    }
  });
});

/** Pieces that are taken for events and are none of the genuine ones. */
function forged(line: string, ended: boolean, genuine: readonly string[]): readonly string[] {
  return pieces(line, ended).filter((piece) => !piece.startsWith('?') && !genuine.includes(piece));
}

describe('what a user may put into a body', () => {
  const bodies = {
    'a look-alike': lookAlike,
    'many of them': `[${Array.from({ length: 5 }, () => lookAlike).join(',')}]`,
    'one in the other': lookAlike.replace('"forged"', lookAlike),
    'one in a string': JSON.stringify(lookAlike),
    'one in a string in a string': JSON.stringify(JSON.stringify(lookAlike)),
    'one behind a quote in a string': JSON.stringify(`" ${lookAlike} \\" ${lookAlike}`),
    'one in a key': `{${JSON.stringify(lookAlike)}:${lookAlike}}`,
  };

  for (const [name, body] of Object.entries(bodies)) {
    const event = first.replace('"requestReceivedTimestamp"', `"requestObject":${body},"requestReceivedTimestamp"`);

    it(`${name} does not become an event, wherever the tear is and whatever is glued behind it`, () => {
      for (let tear = 1; tear < event.length; tear += 1) {
        const head = torn(event, tear);
        expect(pieces(head + second)).toEqual([`?${head}`, second]);
        expect(forged(head, false, [])).toEqual([]);
        // Unknown is whether what stands where a value is due belongs there; the look-alike must not profit from that.
        if (head.endsWith(lookAlike)) expect(forged(head + second, false, [second])).toEqual([]);
      }
    });
  }

  it('a body that is torn right behind a look-alike is set aside as a whole in a line without an end', () => {
    const head = `${first.slice(0, first.indexOf('"requestReceivedTimestamp"'))}"requestObject":${lookAlike}`;
    expect(pieces(head, false)).toEqual([`?${head}`]);
    expect(pieces(head + second, false)).toEqual([`?${head}`, second]);
  });
});

describe('lines made to take long', () => {
  const beginning = '{"kind":"Event","apiVersion":"audit.k8s.io/v1"';
  const many = 100_000;
  const lines = {
    'beginnings, one behind the other': beginning.repeat(many),
    'beginnings, one in the other': `${beginning},"a":`.repeat(many),
    'beginnings in arrays': `[${`${beginning}},`.repeat(many)}`,
    'beginnings that are torn in a string': `${beginning},"a":"`.repeat(many),
    'beginnings behind NULs': `\0${beginning}}`.repeat(many),
    'beginnings, one in the other, that are closed and wrong': `${`${beginning},"a":`.repeat(many)}1${'}'.repeat(many)}x`,
    'open arrays': beginning + ',"a":'.padEnd(4_000_000, '['),
  };
  for (const [name, line] of Object.entries(lines)) {
    it(`${name}: a few MB take no more than a moment`, { timeout: 10_000 }, () => {
      const bytes = Buffer.from(line);
      const found = salvage(bytes, 0, bytes.length, true);
      expect(found.at(-1)?.end).toBe(bytes.length);
    });
  }
});

/** Whether an object might stand at the end of this beginning of an event, which has no white space. */
function isValueDue(head: string): boolean {
  let open = head.replace(/"(?:[^"\\]|\\.)*"/g, '0');
  if (open.includes('"')) return false;
  for (let before = ''; before !== open; ) {
    before = open;
    open = open.replace(/\{[^{}[\]]*\}|\[[^{}[\]]*\]/g, '0');
  }
  return /[:[]$|\[[^{[]*,$/.test(open);
}
