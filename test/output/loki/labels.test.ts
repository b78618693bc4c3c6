import { describe, expect, it } from 'vitest';
import { labelName, streamLabels } from '../../../src/output/loki/labels.ts';

describe('the labels of the streams', () => {
  it('are the configured ones, cluster, node and the audit level, and nothing of an event', () => {
    expect(streamLabels({ job: 'kube-audit' }, { cluster: 'prod', node: 'cp-1' })).toEqual([
      '{job="kube-audit", cluster="prod", node="cp-1"}',
      '{job="kube-audit", cluster="prod", node="cp-1", audit_level="Metadata"}',
      '{job="kube-audit", cluster="prod", node="cp-1", audit_level="Request"}',
      '{job="kube-audit", cluster="prod", node="cp-1", audit_level="RequestResponse"}',
    ]);
  });

  it('never hold a name twice, which Loki would refuse', () => {
    const [none, metadata] = streamLabels(
      { 'a-b': '1', 'a.b': '2', cluster: 'x', audit_level: 'y' },
      { cluster: 'prod' },
    );
    expect(none).toBe('{a_b="2", cluster="prod"}');
    expect(metadata).toBe('{a_b="2", cluster="prod", audit_level="Metadata"}');
  });

  it('leave out what is empty', () => {
    expect(streamLabels({ job: '' }, { node: '' })[0]).toBe('{}');
  });

  it('quote a value as a Go string', () => {
    expect(streamLabels({ job: 'a"b\\c\nd\u0001é日' }, {})[0]).toBe('{job="a\\"b\\\\c\\u000ad\\u0001é日"}');
  });

  it.each([
    ['a-b/c', 'a_b_c'],
    ['1a', '_1a'],
    ['ünï', '_n_'],
    ['', '_'],
    ['job', 'job'],
  ])('turn the name %j into %j', (name, clean) => {
    expect(labelName(name)).toBe(clean);
  });
});
