import { expect, it } from 'vitest';
import { CriDecoder } from '../../../src/source/cri/decoder.ts';

const AT = '2026-11-23T04:45:26.969123456Z';

function decode(text: string, decoder = new CriDecoder()): string {
  const bytes = Buffer.from(text);
  return decoder.decode(bytes, 0, bytes.length).toString();
}

it('gives what was written to stdout', () => {
  expect(decode(`${AT} stdout F {"a":1}\n${AT} stdout F {"b": "two words"}\n`)).toBe('{"a":1}\n{"b": "two words"}\n');
});

it('joins the parts of a line, with lines of stderr between them', () => {
  const decoder = new CriDecoder();
  const text = [
    `${AT} stdout P {"a":`,
    `${AT} stderr F I1123 a line of the API server`,
    `${AT} stderr P half of one`,
    `${AT} stdout P "b`,
    `${AT} stdout F "}`,
    '',
  ].join('\n');
  expect(decode(text, decoder)).toBe('{"a":"b"}\n');
  expect(decoder.open).toBe(false);
  expect(decoder.passed).toEqual({ stderrLines: 2, foreignLines: 0 });
});

it('goes on with a line in the next call', () => {
  const decoder = new CriDecoder();
  expect(decode(`${AT} stdout P {"a":\n`, decoder)).toBe('{"a":');
  expect(decoder.open).toBe(true);
  const later = new CriDecoder(true);
  expect(decode(`${AT} stdout F 1}\n`, later)).toBe('1}\n');
});

it('goes on with a line in the next file, unless another event begins there', () => {
  const going = new CriDecoder();
  decode(`${AT} stdout P {"a":\n`, going);
  going.beginFile();
  expect(decode(`${AT} stdout F 1}\n`, going)).toBe('1}\n');
  const died = new CriDecoder();
  decode(`${AT} stdout P {"a":\n`, died);
  died.beginFile();
  const event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1"}';
  expect(decode(`${AT} stdout F ${event}\n`, died)).toBe(`\n${event}\n`);
});

it('knows empty text, times with an offset, and tags of both kinds', () => {
  expect(decode(`${AT} stdout F \n`)).toBe('\n');
  expect(decode(`${AT} stdout P \n${AT} stdout F x\n`)).toBe('x\n');
  expect(decode('2016-10-06T00:17:09.669794202+02:00 stdout F x\n')).toBe('x\n');
  expect(decode('2016-10-06T00:17:09Z stdout F x\n')).toBe('x\n');
});

it.each([
  '{"log":"of another format\\n"}',
  'no frame at all',
  `${AT} stdin F x`,
  `${AT} stdout`,
  `${AT} stdoutx F x`,
  '',
])('passes on as it is what no runtime writes: %j', (line) => {
  const decoder = new CriDecoder(true);
  expect(decode(`${line}\n`, decoder)).toBe(`\n${line}\n`);
  expect(decoder.passed.foreignLines).toBe(1);
});

it('leaves a line open whose end is missing in the file', () => {
  const decoder = new CriDecoder();
  expect(decode(`${AT} stdout F {"a":`, decoder)).toBe('{"a":');
  expect(decoder.open).toBe(true);
});
