import { expect, it } from 'vitest';
import { StatusHistory } from '../../src/inspect/status-history.ts';
import { PIPELINE, STATUS } from '../telemetry/sample-status.ts';

function looked(history: StatusHistory, atMs: number, readEvents: number, lagBytes = 0): void {
  const totals = { ...PIPELINE.totals, readEvents, readBytes: readEvents * 10 };
  history.add({ ...STATUS, pipelines: [{ ...PIPELINE, totals, lagBytes }] }, atMs);
}

it('makes rates of counts', () => {
  const history = new StatusHistory();
  expect(history.of(PIPELINE)).toEqual({ eventsPerSecond: 0, bytesPerSecond: 0, eventRates: [], lagBytes: [] });
  looked(history, 0, 100);
  looked(history, 2000, 300, 7);
  looked(history, 3000, 300, 5);
  expect(history.of(PIPELINE)).toEqual({
    eventsPerSecond: 0,
    bytesPerSecond: 0,
    eventRates: [100, 0],
    lagBytes: [7, 5],
  });
});

it('has no rate below zero after a restart or a step of the clock, and passes over looks that are too close', () => {
  const history = new StatusHistory();
  looked(history, 1000, 500);
  looked(history, 2000, 400);
  looked(history, 500, 600);
  looked(history, 510, 900);
  expect(history.of(PIPELINE).eventRates).toEqual([0, 0]);
});

it('keeps no more than it was told to, and forgets a pipeline that is gone', () => {
  const history = new StatusHistory(3);
  for (let at = 0; at < 10; at += 1) looked(history, at * 1000, at);
  expect(history.of(PIPELINE).eventRates).toEqual([1, 1, 1]);
  history.add({ ...STATUS, pipelines: [] }, 20_000);
  expect(history.of(PIPELINE).eventRates).toEqual([]);
});
