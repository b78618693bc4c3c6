import { expect, it } from 'vitest';
import { AuditailError } from '../../src/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

function logged(
  write: (logger: ReturnType<typeof createLogger>) => void,
  level = 'info',
): readonly Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  write(createLogger(level, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }));
  return lines;
}

it('writes a line of JSON with level, time and message', () => {
  expect(logged((logger) => logger.warn({ output: 'search' }, 'holding'))).toEqual([
    { level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), output: 'search', msg: 'holding' },
  ]);
});

it('leaves out what is below its level', () => {
  expect(logged((logger) => logger.info('not this'), 'warn')).toEqual([]);
});

it('does not write secrets, should somebody hand it one', () => {
  const [line] = logged((logger) =>
    logger.info({ password: 'p', headers: { authorization: 'a' }, auth: { basic: { password: 'q' } } }, 'oops'),
  );
  expect(line).toMatchObject({
    password: '[redacted]',
    headers: { authorization: '[redacted]' },
    auth: { basic: { password: '[redacted]' } },
  });
});

it('writes our errors as a code and a sentence, and others with their stack', () => {
  const err = new AuditailError('AUD_LISTEN', 'cannot listen', {
    hint: 'choose another',
    cause: new Error('EADDRINUSE'),
  });
  const [ours, other, text] = logged((logger) => {
    logger.error({ err }, 'failed');
    logger.error({ err: new TypeError('x is not a function') }, 'failed');
    logger.error({ err: 'a string' }, 'failed');
  });
  expect(ours).toMatchObject({
    err: { code: 'AUD_LISTEN', message: 'cannot listen', hint: 'choose another', cause: 'EADDRINUSE' },
  });
  expect(ours?.['err']).not.toHaveProperty('stack');
  expect(other).toMatchObject({
    err: { message: 'x is not a function', stack: expect.stringContaining('logger.test.ts') },
  });
  expect(text).toMatchObject({ err: { message: 'a string' } });
});
