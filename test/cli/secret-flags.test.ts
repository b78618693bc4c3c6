import { expect, it } from 'vitest';
import { auditail } from './fake-terminal.ts';

it('no flag of any command takes a secret: whoever may list processes reads arguments', async () => {
  const { out } = await auditail(['--help']);
  const commands = [...out.matchAll(/^ {2}([a-z-]+)(?:\|\w+)? .*$/gm)].map(([, name]) => name ?? '');
  expect(commands.length).toBeGreaterThan(10);
  const flags: string[] = [];
  for (const command of commands) {
    const help = (await auditail([command, '--help'])).out;
    flags.push(
      ...[...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+(?: [<[][^>\]]*[>\]])?)/gm)].map(([, flag]) => flag ?? ''),
    );
  }
  const secret = flags.filter((flag) => /password|token|secret|key|bearer|auth/.test(flag));
  expect([...new Set(secret)].toSorted()).toEqual(['--api-key-file <file>', '--api-token <file>']);
});
