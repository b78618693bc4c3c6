import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/output/loki/reply.ts';
import type { SendResult } from '../../../src/output/output.ts';
import { auditLine } from '../support/batch.ts';
import { answer, encoded, loki, ScriptedTransport } from './push-support.ts';

/** Answers as Loki 3.7.8 gave them; the times of the events are set to fit. */
const STREAM = '{audit_level="Metadata", job="kube-audit", service_name="kube-audit"}';
const FAR_BEHIND = (time: string, bound: string) =>
  `entry with timestamp ${time.replace('T', ' ').replace('Z', '')} +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: ${time.slice(0, 19)}Z, oldest acceptable timestamp is: ${bound}',\n`;
const IGNORED = (count: number, of: number, stream = STREAM) =>
  `user 'fake', total ignored: ${count} out of ${of} for stream: ${stream}\n`;
const TOO_OLD = (time: string, bound: string) =>
  `entry for stream '${STREAM}' has timestamp too old: ${time}, oldest acceptable timestamp is: ${bound}`;

const rate = (limit: number, total: number) =>
  `ingestion rate limit exceeded for user fake (limit: ${limit} bytes/sec) while attempting to ingest '2' lines totaling '${total}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n`;

/** A push of events of these times; the items are 1, 2, 3 … of a batch that holds one more before them. */
function pushOf(...events: (string | Readonly<Record<string, unknown>>)[]) {
  const lines = events.map((event) => auditLine(typeof event === 'string' ? { stageTimestamp: event } : event));
  const { batch } = encoded(loki(new ScriptedTransport()), [auditLine(), ...lines]);
  return { batch, items: events.map((_, index) => index + 1) };
}

function summary({ rejected, again }: SendResult) {
  return {
    rejected: rejected.map(({ item, reason, outcome }) => [item, reason, outcome]),
    again: again.map(({ how, items, reason }) => [how, items, reason]),
  };
}

function classified(status: number, text: string, part = pushOf('2026-11-23T05:00:00Z', '2026-11-23T05:00:01Z')) {
  return summary(classify(answer(status, text), part));
}

const NOTHING = { rejected: [], again: [] };

describe('a push that is refused in part', () => {
  it('loses what is older than the server takes, and nothing else', () => {
    const part = pushOf('2026-11-15T07:25:50.33Z', '2026-11-23T07:00:00Z', '2026-11-16T07:25:49.999999Z');
    const bound = '2026-11-16T07:25:50Z';
    const text = `1 errors like: ${TOO_OLD('2026-11-15T07:25:50Z', bound)}; 1 errors like: ${TOO_OLD('2026-11-16T07:25:49Z', bound)}\n`;
    expect(classified(400, text, part)).toEqual({
      rejected: [
        [1, 'too-old', 'lost'],
        [3, 'too-old', 'lost'],
      ],
      again: [],
    });
  });

  it('tells the entries of the very second of the bound apart by their number', () => {
    const second = '2026-11-16T07:25:50';
    const part = pushOf(`${second}.9Z`, `${second}.1Z`, `${second}.5Z`, `${second}.2Z`);
    const text = `2 errors like: ${TOO_OLD(`${second}Z`, `${second}Z`)}\n`;
    expect(classified(400, text, part).rejected).toEqual([
      [2, 'too-old', 'lost'],
      [4, 'too-old', 'lost'],
    ]);
  });

  it('reads a bound in the time zone of the server', () => {
    const part = pushOf('2026-11-16T07:00:00Z', '2026-11-16T08:00:00Z');
    expect(classified(400, TOO_OLD('2026-11-16T07:00:00Z', '2026-11-16T08:30:00+01:00'), part).rejected).toEqual([
      [1, 'too-old', 'lost'],
    ]);
  });

  it('sets aside what is from the future, the newest of the second that is named', () => {
    const part = pushOf('2026-11-23T08:25:50.1Z', '2026-11-23T08:25:50.3Z', '2026-11-23T08:25:50.2Z');
    const text = `entry for stream '${STREAM}' has timestamp too new: 2026-11-23T08:25:50Z\n`;
    expect(classified(400, text, part).rejected).toEqual([[2, 'too-new', 'deadLettered']]);
  });

  it('sets aside a line that is longer than the limit in the text', () => {
    const part = pushOf({ requestURI: 'x'.repeat(900) }, {}, { requestURI: 'x'.repeat(1500) });
    const length = part.batch.eventEnd(3) - part.batch.eventStart(3);
    const text = `max entry size '1500' bytes exceeded for stream '${STREAM}' while adding an entry with length '${length}' bytes\n`;
    expect(classified(400, text, part).rejected).toEqual([[3, 'line-too-long', 'deadLettered']]);
  });

  it('finds several kinds in one answer, each entry by the first check that it fails', () => {
    const part = pushOf(
      { stageTimestamp: '2026-11-15T07:25:50Z', requestURI: 'x'.repeat(2000) },
      { requestURI: 'x'.repeat(2000) },
      {},
      { stageTimestamp: '2026-11-24T00:00:00Z' },
    );
    const text = [
      `1 errors like: entry for stream '${STREAM}' has timestamp too new: 2026-11-24T00:00:00Z`,
      `1 errors like: max entry size '1500' bytes exceeded for stream '${STREAM}' while adding an entry with length '2255' bytes`,
      `1 errors like: ${TOO_OLD('2026-11-15T07:25:50Z', '2026-11-16T07:25:50Z')}`,
    ].join('; ');
    expect(classified(400, text, part)).toEqual({
      rejected: [
        [1, 'too-old', 'lost'],
        [2, 'line-too-long', 'deadLettered'],
        [4, 'too-new', 'deadLettered'],
      ],
      again: [],
    });
  });

  it('sets aside too much structured metadata, and holds where the limit is below what every event carries', () => {
    const part = pushOf({ verb: 'x'.repeat(300) }, {});
    const size = `stream '${STREAM}' has structured metadata too large: '420' bytes, limit: '200' bytes. Please see \`limits_config.max_structured_metadata_size\` or contact your Loki administrator to increase it\n`;
    expect(classified(400, size, part).rejected).toEqual([[1, 'metadata-too-large', 'deadLettered']]);
    const count = `2 errors like: stream '${STREAM}' has too many structured metadata labels: '3', limit: '2'. Please see \`limits_config.max_structured_metadata_entries_count\` or contact your Loki administrator to increase it\n`;
    expect(classified(400, count, part)).toEqual({ rejected: [], again: [['hold', [1, 2], 'metadata-limit']] });
  });

  it('sets all aside, with the reason, where the answer counts more than can be found', () => {
    const part = pushOf({ requestURI: 'x'.repeat(2000) }, {}, {});
    const text = `2 errors like: max entry size '1500' bytes exceeded for stream '${STREAM}' while adding an entry with length '2255' bytes\n`;
    const { rejected } = classify(answer(400, text), part);
    expect(rejected.map(({ item, reason, outcome }) => [item, reason, outcome])).toEqual([
      [1, 'line-too-long', 'deadLettered'],
      [2, 'refused-not-named', 'deadLettered'],
      [3, 'refused-not-named', 'deadLettered'],
    ]);
    expect(rejected[1]?.words).toMatch(/^some of these 2 of 3 events were refused, and the answer does not say which/);
  });

  it('sets aside with a copy, instead of losing, where more are older than the bound than the answer counts', () => {
    const part = pushOf('2026-11-15T00:00:00Z', '2026-11-15T00:00:01Z', '2026-11-23T05:00:00Z');
    expect(classified(400, TOO_OLD('2026-11-15T00:00:00Z', '2026-11-16T07:25:50Z'), part).rejected).toEqual([
      [1, 'refused-not-named', 'deadLettered'],
      [2, 'refused-not-named', 'deadLettered'],
    ]);
  });

  it('calls nothing delivered where an unknown refusal stands beside a known one, or the answer is cut', () => {
    const part = pushOf('2026-11-15T00:00:00Z', '2026-11-23T05:00:00Z');
    const known = TOO_OLD('2026-11-15T00:00:00Z', '2026-11-16T07:25:50Z');
    const expected = [
      [1, 'too-old', 'lost'],
      [2, 'refused-not-named', 'deadLettered'],
    ];
    expect(classified(400, `1 errors like: ${known}; 1 errors like: line is not nice`, part).rejected).toEqual(
      expected,
    );
    const cut = { ...answer(400, `1 errors like: ${known}; 1 errors li`), complete: false };
    expect(summary(classify(cut, part)).rejected).toEqual(expected);
  });
});

describe('a push into a stream that is ahead', () => {
  const bound = '2026-11-23T06:25:50Z';

  it('loses the entries that are named by their exact time', () => {
    const part = pushOf('2026-11-23T04:25:50.330123Z', '2026-11-23T07:25:50Z', '2026-11-23T05:25:50.330123Z');
    const text = `${FAR_BEHIND('2026-11-23T04:25:50.330123Z', bound)}${FAR_BEHIND('2026-11-23T05:25:50.330123Z', bound)}${IGNORED(2, 3)}`;
    const { rejected, again } = classify(answer(400, text), part);
    expect(rejected.map(({ item, reason, outcome }) => [item, reason, outcome])).toEqual([
      [1, 'too-old', 'lost'],
      [3, 'too-old', 'lost'],
    ]);
    expect(rejected[1]?.words).toBe(
      'entry too far behind, entry timestamp is: 2026-11-23T05:25:50Z, oldest acceptable timestamp is: 2026-11-23T06:25:50Z',
    );
    expect(again).toEqual([]);
  });

  const many = Array.from({ length: 14 }, (_, index) => `2026-11-23T04:00:${String(index).padStart(2, '0')}Z`);
  const tenListed = many
    .slice(0, 10)
    .map((time) => FAR_BEHIND(time, bound))
    .join('');

  it('finds by the bound those beyond the ten that are listed', () => {
    const part = pushOf(...many, '2026-11-23T07:00:00Z');
    expect(classified(400, tenListed + IGNORED(14, 15), part).rejected.map(([item]) => item)).toEqual(
      Array.from({ length: 14 }, (_, index) => index + 1),
    );
  });

  it('finds what was too old for the server altogether: it is missing from the total', () => {
    const part = pushOf('2026-11-10T00:00:00Z', '2026-11-23T04:25:50Z', '2026-11-23T07:25:50Z');
    const text = FAR_BEHIND('2026-11-23T04:25:50Z', bound) + IGNORED(1, 2);
    expect(classified(400, text, part).rejected).toEqual([
      [1, 'too-old', 'lost'],
      [2, 'too-old', 'lost'],
    ]);
  });

  it('sets aside all that may have been refused where the number does not come out', () => {
    const part = pushOf(...many, '2026-11-23T07:00:00Z', '2026-11-23T06:59:00Z', '2026-11-23T07:00:01Z');
    const { rejected } = classified(400, tenListed + IGNORED(15, 17), part);
    expect(rejected.slice(0, 10).every(([, reason]) => reason === 'too-old')).toBe(true);
    expect(rejected.slice(10)).toEqual([11, 12, 13, 14, 16].map((item) => [item, 'refused-not-named', 'deadLettered']));
  });

  it('trusts no total of a stream that the server has sharded', () => {
    const part = pushOf('2026-11-23T04:25:50Z', '2026-11-23T04:25:51Z', '2026-11-23T07:25:50Z');
    const text = FAR_BEHIND('2026-11-23T04:25:50Z', bound) + IGNORED(1, 2, '{__stream_shard__="1", job="kube-audit"}');
    expect(classified(400, text, part).rejected).toEqual([
      [1, 'too-old', 'lost'],
      [2, 'refused-not-named', 'deadLettered'],
    ]);
  });

  it('takes the last of several entries of one instant: the bound only rises', () => {
    const part = pushOf('2026-11-23T04:00:00Z', '2026-11-23T07:00:00Z', '2026-11-23T04:00:00Z');
    expect(
      classified(400, FAR_BEHIND('2026-11-23T04:00:00Z', '2026-11-23T06:00:00Z') + IGNORED(1, 3), part).rejected,
    ).toEqual([[3, 'too-old', 'lost']]);
  });
});

describe('a push over a rate', () => {
  it('waits as long as the rate needs for so many bytes', () => {
    const part = pushOf({}, {});
    const { again } = classify(answer(429, rate(4_194_304, 1_048_576)), part);
    expect(again).toMatchObject([{ how: 'retry', items: [1, 2], reason: 'rate-limit', retryAfterMs: 250 }]);
    const told = classify({ ...answer(429, rate(4_194_304, 1_048_576)), retryAfterMs: 7000 }, part);
    expect(told.again[0]?.retryAfterMs).toBe(7000);
  });

  it('is split where it is more than a second lets through: no wait may ever help', () => {
    expect(classified(429, rate(4_194_304, 7_000_000)).again).toEqual([['split', [1, 2], 'rate-limit']]);
    expect(classified(429, rate(1000, 2000), pushOf({})).again).toEqual([['suspect', [1], 'rate-limit']]);
    expect(classified(429, rate(0, 2000)).again).toEqual([['hold', [1, 2], 'rate-limit']]);
  });

  it('of its stream is sent again whole', () => {
    const text = `entry with timestamp 2026-11-23 05:00:00 +0000 UTC ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for stream '${STREAM}' totaling 263B, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased',\n${IGNORED(1, 2)}`;
    expect(classified(429, text)).toEqual({ rejected: [], again: [['retry', [1, 2], 'stream-rate-limit']] });
    expect(classified(429, text.replace('3MB', '1KB'), pushOf({}, {}, {}, {})).again).toEqual([
      ['split', [1, 2, 3, 4], 'stream-rate-limit'],
    ]);
  });

  it('sends what a stream without sharding was limited in again, beside what is too old', () => {
    const part = pushOf('2026-11-23T07:00:00Z', '2026-11-23T04:00:00Z', '2026-11-23T07:00:01Z');
    const limited = `entry with timestamp 2026-11-23 07:00:00 +0000 UTC ignored, reason: 'Per stream rate limit exceeded (limit: 1KB/sec) while attempting to ingest for stream '${STREAM}' totaling 263B, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased',\n`;
    const text = limited + FAR_BEHIND('2026-11-23T04:00:00Z', '2026-11-23T06:00:00Z') + IGNORED(2, 3);
    expect(classified(400, text, part)).toEqual({
      rejected: [[2, 'too-old', 'lost']],
      again: [['retry', [1], 'stream-rate-limit']],
    });
  });

  it('of streams is held: somebody has to raise the limit', () => {
    const text = `maximum active stream limit exceeded when trying to create stream ${STREAM}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: 'fake'\n`;
    expect(classified(429, text).again).toEqual([['hold', [1, 2], 'stream-limit']]);
  });
});

describe('an answer of 2xx', () => {
  it('counts as delivered only where it is one that Loki gives', () => {
    expect(classified(204, '')).toEqual(NOTHING);
    expect(classified(200, '')).toEqual(NOTHING);
    expect(classified(200, '<html>please log in</html>').again).toEqual([['hold', [1, 2], 'not-loki']]);
    expect(
      classified(260, "ingestion blocked for user 'fake' until '2027-01-01T00:00:00Z' with status code '260'").again,
    ).toEqual([['hold', [1, 2], 'not-loki']]);
  });
});
