import { expect, test } from 'vitest';
import { COMPLETE, story } from './story.ts';

test('what is written before and after a rotation arrives, whole and once', async () => {
  const { auditLog, agent, elasticsearch, loki, http } = await story();
  auditLog.write(50);
  auditLog.rotate();
  auditLog.write(50);
  agent.start();
  await agent.caughtUp();
  auditLog.write(20);
  await agent.caughtUp();
  for (const endpoint of [elasticsearch, loki, http])
    expect(endpoint.tally.against(auditLog.written)).toEqual(COMPLETE);
  expect((await agent.stop()).code).toBe(0);
});

test('a receiver that refuses for a while gets everything afterwards, once', async () => {
  const { auditLog, agent, elasticsearch } = await story({ outputs: ['elasticsearch'] });
  const refusal = elasticsearch.refuse(503).times(2);
  auditLog.write(30);
  agent.start();
  await agent.caughtUp();
  expect(refusal.happened).toBe(2);
  expect(elasticsearch.tally.against(auditLog.written)).toEqual(COMPLETE);
});

test('an agent that is killed goes on where it was', async () => {
  const { auditLog, agent, elasticsearch } = await story({ outputs: ['elasticsearch'], maxSizeBytes: 200_000 });
  auditLog.write(100);
  agent.start();
  await agent.caughtUp();
  await agent.kill();
  auditLog.write(200);
  agent.start();
  await agent.caughtUp();
  expect(elasticsearch.tally.against(auditLog.written)).toEqual(COMPLETE);
  // Nothing that was settled before the kill was read again.
  expect(elasticsearch.conflicts).toBe(0);
});

test('a wait that cannot come true tells the end of the agent’s log', async () => {
  const { auditLog, agent } = await story({ outputs: ['http'] });
  auditLog.write(1);
  agent.start();
  await agent.caughtUp();
  agent.send('SIGTERM');
  await expect(agent.waitFor('what never happens', () => false)).rejects.toThrow(
    /waited for: what never happens; the agent has ended with \{"code":0,.* Its log ends:\n./s,
  );
});
