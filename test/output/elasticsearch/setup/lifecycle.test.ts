import { describe, expect, it } from 'vitest';
import { ilmPolicy, ismPolicy, needsLifecycle } from '../../../../src/output/elasticsearch/setup/lifecycle.ts';
import { targetOf } from '../../../../src/output/elasticsearch/target.ts';
import { outputConfig } from '../../support/network-output.ts';

function described(settings: Readonly<Record<string, unknown>>) {
  const config = outputConfig('elasticsearch', { url: 'http://127.0.0.1:9200', ...settings });
  return { target: targetOf(config), lifecycle: config.lifecycle };
}

describe('the lifecycle', () => {
  it('rolls a data stream over and deletes nothing unless somebody said so', () => {
    const { target, lifecycle } = described({ dataStream: 'logs-audit-default' });
    expect(ilmPolicy(target, lifecycle)).toMatchObject({
      policy: { phases: { hot: { actions: { rollover: { max_primary_shard_size: '50gb', max_age: '30d' } } } } },
    });
    expect(JSON.stringify([ilmPolicy(target, lifecycle), ismPolicy(target, lifecycle, 'x')])).not.toContain('delete');
  });

  it('ends what was rolled over long enough ago', () => {
    const { target, lifecycle } = described({ dataStream: 'd', lifecycle: { retain: '90d', rolloverAge: '90m' } });
    expect(ilmPolicy(target, lifecycle)).toMatchObject({ policy: { phases: { delete: { min_age: '90d' } } } });
    expect(ismPolicy(target, lifecycle, 'd')).toMatchObject({
      policy: {
        states: [
          {
            actions: [{ rollover: { min_index_age: '90m' } }],
            transitions: [{ state_name: 'delete', conditions: { min_rollover_age: '90d' } }],
          },
          { name: 'delete', actions: [{ delete: {} }] },
        ],
        ism_template: [{ index_patterns: ['d'] }],
      },
    });
  });

  it('ends the index of a day by its age, and has nothing to do for an index of one name', () => {
    const daily = described({ index: 'audit-{yyyy.MM.dd}', lifecycle: { retain: '90d' } });
    expect(needsLifecycle(daily.target, daily.lifecycle)).toBe(true);
    expect(ismPolicy(daily.target, daily.lifecycle, 'audit-*')).toMatchObject({
      policy: { states: [{ actions: [], transitions: [{ conditions: { min_index_age: '90d' } }] }, {}] },
    });
    const fixed = described({ index: 'audit', lifecycle: { retain: '90d' } });
    expect(needsLifecycle(fixed.target, fixed.lifecycle)).toBe(false);
  });
});
