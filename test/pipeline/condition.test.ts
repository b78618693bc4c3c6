import { describe, expect, it } from 'vitest';
import { Condition } from '../../src/pipeline/condition.ts';
import { type PipelineNotes, Repeats } from '../../src/pipeline/notes.ts';

function setUp() {
  const said: string[] = [];
  const notes: PipelineNotes = {
    info: (message) => void said.push(`info ${message}`),
    warn: (_message, { reason }) => void said.push(`warn ${String(reason)}`),
    error: (_message, { reason }) => void said.push(`error ${String(reason)}`),
    sent: () => undefined,
  };
  return { said, condition: new Condition('o', notes) };
}

const busy = { state: 'retrying', reason: 'busy', words: 'try later' } as const;
const denied = { state: 'holding', reason: 'denied', words: 'no' } as const;

describe('the condition of a pipeline', () => {
  it('is the worst of what its batches have met, until each of them is through', () => {
    const { condition } = setUp();
    const [one, other] = [{}, {}];
    condition.calm('shipping');
    expect(condition).toMatchObject({ state: 'shipping', reason: '', words: '' });
    condition.trouble(one, busy);
    expect(condition).toMatchObject({ state: 'retrying', reason: 'busy', words: 'try later' });
    condition.trouble(other, denied);
    condition.trouble(one, busy);
    expect(condition).toMatchObject({ state: 'holding', reason: 'denied' });
    condition.clear(other);
    expect(condition).toMatchObject({ state: 'retrying', reason: 'busy' });
    condition.clear(one);
    expect(condition.state).toBe('shipping');
    condition.calm('stopped');
    condition.trouble(one, busy);
    expect(condition.state).toBe('stopped');
  });

  it('says trouble once, and once that it is over', () => {
    const { said, condition } = setUp();
    const [one, other] = [{}, {}];
    for (let time = 0; time < 5; time += 1) condition.trouble(one, busy);
    condition.trouble(other, busy);
    condition.clear(one);
    condition.clear(other);
    condition.clear(other);
    expect(said).toEqual(['warn busy', 'info the pipeline goes on']);
  });

  it('says nothing over and over of a receiver that flaps', () => {
    const { said, condition } = setUp();
    for (let time = 0; time < 100; time += 1) {
      condition.trouble(condition, busy);
      condition.clear(condition);
    }
    expect(said).toEqual(['warn busy', 'info the pipeline goes on']);
  });
});

describe('repeats', () => {
  it('are said once a minute, with how many there were since', () => {
    let now = 0;
    const repeats = new Repeats(() => now);
    expect(repeats.due('a', 3)).toBe(3);
    expect(repeats.due('a', 2)).toBeNull();
    expect(repeats.due('b')).toBe(1);
    now = 59_999;
    expect(repeats.due('a')).toBeNull();
    now = 60_000;
    expect(repeats.due('a', 4)).toBe(7);
    expect(repeats.due('a')).toBeNull();
  });
});
