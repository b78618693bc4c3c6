import { describe, expect, it } from 'vitest';
import { shorten } from '../../../src/output/loki/ladder.ts';

function down(text: string, maxBytes: number) {
  const bytes = Buffer.from(`..${text}..`);
  const shortened = shorten(bytes, 2, bytes.length - 2, maxBytes);
  return shortened === null ? null : { reduced: shortened.reduced, text: shortened.bytes.toString() };
}

describe('the size ladder', () => {
  const event =
    '{"level":"RequestResponse","requestObject":{"a":1},"responseObject":{"b":[1e400,{}]},"annotations":{"k":"v"}}';

  it('cuts responseObject first, with its key and comma, and says so in an annotation', () => {
    expect(down(event, 125)).toEqual({
      reduced: 'responseObject',
      text: '{"level":"RequestResponse","requestObject":{"a":1},"annotations":{"k":"v","auditail.io/truncated":"responseObject"}}',
    });
  });

  it('cuts requestObject as well where that is not enough', () => {
    expect(down(event, 115)).toEqual({
      reduced: 'requestObject,responseObject',
      text: '{"level":"RequestResponse","annotations":{"k":"v","auditail.io/truncated":"requestObject,responseObject"}}',
    });
  });

  it('gives up where the rest is too long', () => {
    expect(down(event, 80)).toBeNull();
    expect(down('{"requestURI":"/a/long/one"}', 10)).toBeNull();
    expect(down(`{"level":"Metadata","annotations":{"a":"${'x'.repeat(400)}"}}`, 100)).toBeNull();
  });

  it('cuts whatever else a client made long, so that the event is seen all the same', () => {
    const long = 'x'.repeat(4000);
    const who = '"user":{"username":"mallory"},"verb":"delete"';
    const line = `{"requestURI":"/api?${long}",${who},"userAgent":"${long}","requestObject":{},"objectRef":{"name":"db"}}`;
    expect(down(line, 1000)).toEqual({
      reduced: 'requestObject,requestURI,userAgent',
      text: `{${who},"objectRef":{"name":"db"},"annotations":{"auditail.io/truncated":"requestObject,requestURI,userAgent"}}`,
    });
    const quoted = `{"requestObject":{"a":"${long}"},"responseStatus":{"message":"${long}","code":422},${who}}`;
    expect(down(quoted, 1000)?.reduced).toBe('requestObject,responseStatus');
  });

  it('names only what was there', () => {
    expect(
      down('{"requestObject":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","responseObject":null}', 90)?.reduced,
    ).toBe('requestObject');
  });

  it('keeps every other byte: white space, numbers, escapes, invalid UTF-8', () => {
    const head = Buffer.from('{ "responseObject" : {"big":"}"} ,\t"n" : 12345678901234567890.10 , "u":"\\u0041');
    const bytes = Buffer.concat([head, Buffer.from([0xff, 0xfe]), Buffer.from('" , "annotations" : { } }')]);
    expect(shorten(bytes, 0, bytes.length, 200)?.bytes.toString('latin1')).toBe(
      '{ "n" : 12345678901234567890.10 , "u":"\\u0041\xff\xfe" , "annotations" : { "auditail.io/truncated":"responseObject"} }',
    );
  });

  it('makes the annotations where there are none, or null', () => {
    expect(down('{"responseObject":{},"level":"x"}', 99)?.text).toBe(
      '{"level":"x","annotations":{"auditail.io/truncated":"responseObject"}}',
    );
    expect(down('{"annotations":null,"responseObject":{}}', 99)?.text).toBe(
      '{"annotations":{"auditail.io/truncated":"responseObject"}}',
    );
  });

  it('brings no second member of the same name to light', () => {
    expect(down('{"responseObject":{"a":1},"level":"x","respons\\u0065Object":{"b":2}}', 90)?.text).toBe(
      '{"level":"x","annotations":{"auditail.io/truncated":"responseObject"}}',
    );
  });
});
