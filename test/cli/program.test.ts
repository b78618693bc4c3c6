import fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCheckpoint } from '../../src/state/read-checkpoint.ts';
import { lockState } from '../../src/state/lock.ts';
import { checkpointDirectory } from '../../src/state/state-directory.ts';
import { STATUS } from '../telemetry/sample-status.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { auditail } from './fake-terminal.ts';
import { BACKUPS, madeState, recordedEvents } from './made-state.ts';

async function stored(directory: string, output = 'hook') {
  const { checkpoint } = await readCheckpoint(checkpointDirectory(directory, output, 'api'));
  return checkpoint;
}

describe('the command line', () => {
  it('shows help with examples and exit codes, and the version', async () => {
    const help = await auditail(['--help']);
    expect(help).toMatchObject({ exit: 0, error: '' });
    expect(help.out).toContain('Examples:\n  auditail --config');
    expect(help.out).toMatch(/^ {2}run \[options\] {2,}ship until told to stop/m);
    expect(help.out).toContain(
      'Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 a part of the trail was lost',
    );
    expect(await auditail(['--version'])).toEqual({ exit: 0, out: '1.2.3\n', error: '' });
    expect((await auditail(['run', '--help'])).out).toContain('--audit-log-path <path>');
  });

  it('names what was probably meant, and ends with 2', async () => {
    expect(await auditail(['chek'])).toMatchInlineSnapshot(`
      {
        "error": "error AUD_USAGE: there is no command "chek"
      hint: Did you mean check?
      ",
        "exit": 2,
        "out": "",
      }
    `);
    expect(await auditail(['--uri', 'x'])).toMatchInlineSnapshot(`
      {
        "error": "error AUD_USAGE: unknown option '--uri'
      (Did you mean --url?)
      ",
        "exit": 2,
        "out": "",
      }
    `);
    expect(await auditail(['state', 'rewnd'])).toMatchInlineSnapshot(`
      {
        "error": "error AUD_USAGE: unknown command 'rewnd'
      (Did you mean rewind?)
      ",
        "exit": 2,
        "out": "",
      }
    `);
    expect(await auditail(['state', 'rewind', 'hook'])).toMatchInlineSnapshot(`
      {
        "error": "error AUD_USAGE: required option '--to <time>' not specified
      ",
        "exit": 2,
        "out": "",
      }
    `);
    expect(await auditail(['check', '--url'])).toMatchInlineSnapshot(`
      {
        "error": "error AUD_USAGE: option '--url <url,…>' argument missing
      ",
        "exit": 2,
        "out": "",
      }
    `);
  });

  it('refuses a configuration with every problem it has, before anything is started', async () => {
    for (const command of ['run', 'check', 'ship']) {
      const ran = await auditail([command, '--audit-log-path', '/a.log', '--output', 'elastic', '--url', 'localhost']);
      expect(ran).toEqual({
        exit: 2,
        out: '',
        error:
          '--output  outputs[0].type  must be one of elasticsearch, loki, http, file, stdout, not "elastic"\n1 problem. Nothing was started.\n',
      });
    }
  });

  it('points at the place in a filter expression', async () => {
    const file = path.join(temporaryDirectory(), 'auditail.yaml');
    fs.writeFileSync(
      file,
      `sources: [{ name: api, type: stdin }]
outputs:
  - name: out
    type: stdout
    filter:
      drop:
        - { name: leases, when: 'objectRef.resourc == "leases"' }
        - { name: strange, when: 'verb == 7' }
`,
    );
    const ran = await auditail(['check', '--config', file]);
    const folder = `${path.dirname(file)}/`;
    const report = ran.error.replaceAll(folder, '').replaceAll(`\n${' '.repeat(folder.length)}`, '\n');
    expect(report).toMatchInlineSnapshot(`
      "auditail.yaml:7:33  outputs[0].filter.drop[0].when  no such field: objectRef.resourc
                            > objectRef.resourc == "leases"
                                        ^
      auditail.yaml:8:34  outputs[0].filter.drop[1].when  no such overload: string == int
                            > verb == 7
                              ^
      2 problems. Nothing was started.
      "
    `);
  });

  it('prints the JSON Schema', async () => {
    const { exit, out } = await auditail(['schema', '--print']);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'auditail configuration',
    });
  });
});

describe('check', () => {
  it('has a line for everything it looked at, and 1 where something is wrong', async () => {
    const folder = temporaryDirectory();
    fs.mkdirSync(path.join(folder, 'log'));
    fs.writeFileSync(path.join(folder, 'log/audit.log'), '{}\n', { mode: 0o600 });
    const flags = ['--audit-log-path', path.join(folder, 'log/audit.log'), '--state-dir', path.join(folder, 'state')];
    const fine = await auditail(['check', ...flags, '--output', 'http', '--url', 'http://127.0.0.1:1']);
    expect(fine.out.replaceAll(folder, '/tmp').replace(/owner \d+:\d+/, 'owner 0:0')).toMatchInlineSnapshot(`
      "ok       configuration: flags and environment: 1 source, 1 output
      ok       source kube-apiserver: /tmp/log/audit.log can be read: 3 bytes, mode 0600, owner 0:0
      ok       source kube-apiserver: no backups of audit.log yet
      ok       source kube-apiserver: unread files can be pinned, so that their deletion loses nothing
      ok       state: /tmp/state is not there yet, and can be created
      0 errors, 0 warnings. The outputs were not tried; --connect does.
      "
    `);
    expect(fine.exit).toBe(0);
    expect(fs.readdirSync(folder)).toEqual(['log']);
    expect(fs.readdirSync(path.join(folder, 'log'))).toEqual(['audit.log']);
    const connected = await auditail([
      'check',
      '--connect',
      ...flags,
      '--output',
      'http',
      '--url',
      'http://127.0.0.1:1',
    ]);
    expect(connected.exit).toBe(1);
    expect(connected.out).toContain('error    output http: ');
  });
});

describe('state', () => {
  it('list shows where each output stands, and show all of it', async () => {
    const directory = await madeState();
    expect(await auditail(['state', 'list', '--state-dir', directory])).toMatchInlineSnapshot(`
      {
        "error": "",
        "exit": 0,
        "out": "source  output  destination              stands at       written
      api     hook    http http://127.0.0.1:9  audit.log:1000  2026-11-23T03:00:00.000Z

      source  output  events read  delivered  filtered  set aside  lost  losses of log
      api     hook             30         30         0          0     0              1
      ",
      }
    `);
    const shown = await auditail(['state', 'show', 'hook', '--state-dir', directory]);
    expect(JSON.parse(shown.out)).toMatchObject([{ output: 'hook', source: 'api', checkpoint: { losses: 1 } }]);
  });

  it('rewind to a time keeps the files that were closed before it', async () => {
    const directory = await madeState();
    expect(
      await auditail(['state', 'rewind', 'hook', '--to', '2026-11-23T01:30:00Z', '--state-dir', directory]),
    ).toEqual({
      exit: 0,
      out: 'hook: 2 files of api will be read again, as far as they are still there\n',
      error: '',
    });
    const after = await stored(directory);
    expect(after?.segments.map(({ name }) => name)).toEqual(BACKUPS.slice(0, 1));
    expect(after).toMatchObject({ window: [], totals: { delivered: 30 }, losses: 1 });
    expect(after).not.toHaveProperty('last');
  });

  it('rewind to the oldest forgets all files, and remembers the account', async () => {
    const directory = await madeState();
    await auditail(['state', 'rewind', 'hook', '--to', 'oldest', '--state-dir', directory]);
    expect(await stored(directory)).toMatchObject({ segments: [], window: [], totals: { delivered: 30 } });
  });

  it('rename files the state under another name', async () => {
    const directory = await madeState();
    expect(await auditail(['state', 'rename', 'hook', 'webhook', '--state-dir', directory])).toMatchObject({ exit: 0 });
    expect(await stored(directory, 'webhook')).toMatchObject({ output: 'webhook', losses: 1 });
    expect((await auditail(['dead-letter', 'list', '--output', 'webhook', '--state-dir', directory])).exit).toBe(0);
    expect(await auditail(['state', 'rename', 'webhook', '../x', '--state-dir', directory])).toMatchObject({ exit: 2 });
  });

  it('remove forgets where an output stood, and with --all its ledger and dead letter too', async () => {
    const directory = await madeState();
    expect(await auditail(['state', 'remove', 'hook', '--state-dir', directory])).toMatchObject({ exit: 0 });
    expect(await stored(directory)).toBe(null);
    expect((await auditail(['status', '--ledger', '--state-dir', directory])).out).toContain('LOST (gap, certain)');
    expect(await auditail(['state', 'remove', 'hook', '--all', '--state-dir', directory])).toMatchObject({
      out: 'hook: all is forgotten, 3 events that had been set aside included\n',
    });
    expect(fs.existsSync(path.join(directory, 'outputs/hook'))).toBe(false);
  });

  it('is not changed while an agent holds the directory', async () => {
    const directory = await madeState();
    const lock = await lockState(directory);
    onTestFinished(() => lock.release());
    for (const args of [
      ['rewind', 'hook', '--to', 'oldest'],
      ['remove', 'hook'],
      ['rename', 'hook', 'x'],
    ]) {
      const ran = await auditail(['state', ...args, '--state-dir', directory]);
      expect(ran).toMatchObject({ exit: 1, out: '' });
      expect(ran.error).toContain('error AUD_STATE_LOCKED: ');
    }
    expect((await stored(directory))?.segments).toHaveLength(3);
  });

  it('names the outputs there are where one is not known, and creates no directory that was mistyped', async () => {
    const directory = await madeState();
    expect(await auditail(['state', 'remove', 'hoko', '--state-dir', directory])).toEqual({
      exit: 2,
      out: '',
      error: `error AUD_USAGE: there is no state of an output "hoko" in ${directory}\nhint: There is state of hook.\n`,
    });
    const mistyped = `${directory}x`;
    expect(await auditail(['state', 'rewind', 'hook', '--to', 'oldest', '--state-dir', mistyped])).toMatchObject({
      exit: 2,
    });
    expect(fs.existsSync(mistyped)).toBe(false);
    expect(await auditail(['state', 'rewind', 'hook', '--to', 'yesterday', '--state-dir', directory])).toMatchObject({
      exit: 2,
    });
  });

  it('takes its directory from the configuration, also from one that has other faults', async () => {
    const directory = await madeState();
    const file = path.join(temporaryDirectory(), 'auditail.yaml');
    fs.writeFileSync(file, `stateDirectory: ${directory}\noutpts: []\n`);
    expect((await auditail(['state', 'list', '--config', file])).out).toContain('http http://127.0.0.1:9');
    expect((await auditail(['state', 'list'], { AUDITAIL_STATE_DIR: directory })).exit).toBe(0);
  });
});

describe('status', () => {
  it('shows what a stopped agent left, and its ledger', async () => {
    const directory = await madeState();
    const ran = await auditail(['status', '--state-dir', directory]);
    expect(ran.error).toBe(`No agent runs on ${directory}. This is where it stood:\n`);
    expect(ran.out).toContain('audit.log:1000');
    expect((await auditail(['status', '--ledger', '--state-dir', directory])).out).toMatchInlineSnapshot(`
      "2026-11-23T01:00:01.000Z  hook  api  audit-2026-11-23T01-00-00.000.log  1,000 bytes: 10 read, 10 delivered
      2026-11-23T01:00:01.000Z  hook  api  LOST (gap, certain): files vanished
      "
    `);
    const json = await auditail(['status', '--json', '--state-dir', directory]);
    expect(JSON.parse(json.out)).toMatchObject({ running: false, stored: [{ output: 'hook' }] });
  });

  it('asks the agent that runs, over its socket, however long the path is', async () => {
    const directory = path.join(temporaryDirectory(), 'long-'.repeat(20), 'state');
    fs.mkdirSync(directory, { recursive: true });
    const lock = await lockState(directory);
    onTestFinished(() => lock.release());
    lock.serve((request, response) => {
      response.statusCode = request.url === '/status' ? 200 : 404;
      response.end(JSON.stringify(STATUS));
    });
    const ran = await auditail(['status', '--state-dir', directory]);
    expect(ran).toMatchObject({ exit: 0, error: '' });
    expect(ran.out).toContain('auditail 1.2.3, process 4711');
    const json = await auditail(['status', '--json', '--state-dir', directory]);
    expect(JSON.parse(json.out)).toEqual(STATUS);
  });
});

describe('dead-letter', () => {
  it('list says how many and why, with nothing that a terminal obeys', async () => {
    const ran = await auditail(['dead-letter', 'list', '--state-dir', await madeState()]);
    expect(ran.out).not.toContain('\u001b');
    expect(ran.out).toMatchInlineSnapshot(`
      "output  reason                    events     size
      hook    too-large                      1    740 B
      hook    mapper_parsing_exception       2  1.7 KiB

      output  record  set aside                 size   from              tries  reason                    words
      hook    1       2026-11-23T02:00:00.000Z  740 B  audit.log:0           1  too-large                 refused \\x1b[31m0
      hook    2       2026-11-23T02:00:00.000Z  831 B  audit.log:100000      1  mapper_parsing_exception  refused \\x1b[31m1
      hook    3       2026-11-23T02:00:00.000Z  912 B  audit.log:200000      1  mapper_parsing_exception  refused \\x1b[31m2
      "
    `);
  });

  it('list chooses by reason, and has a form for programs', async () => {
    const ran = await auditail([
      'dead-letter',
      'list',
      '--json',
      '--reason',
      'too-large',
      '--state-dir',
      await madeState(),
    ]);
    expect(
      ran.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([{ reason: 'too-large', offset: 0, output: 'hook' }]);
  });

  it('show shows one, and says where there is none', async () => {
    const directory = await madeState();
    const { out } = await auditail(['dead-letter', 'list', '--json', '--state-dir', directory]);
    const { record } = JSON.parse(out.split('\n')[0] as string) as { record: number };
    const shown = await auditail(['dead-letter', 'show', 'hook', String(record), '--state-dir', directory]);
    expect(shown.out).toContain('"kind":"Event"');
    expect(await auditail(['dead-letter', 'show', 'hook', '999', '--state-dir', directory])).toMatchObject({ exit: 2 });
  });

  it('export writes the bytes of the events, one a line', async () => {
    const { out } = await auditail(['dead-letter', 'export', '--state-dir', await madeState()]);
    expect(out).toBe(
      recordedEvents(3)
        .map((event) => `${event.toString('latin1')}\n`)
        .join(''),
    );
  });

  it('remove gives up those that are named, and nothing where one of them is not there', async () => {
    const directory = await madeState();
    const remove = (...args: readonly string[]) =>
      auditail(['dead-letter', 'remove', 'hook', ...args, '--state-dir', directory]);
    const left = async (): Promise<string[]> =>
      (await auditail(['dead-letter', 'list', '--json', '--state-dir', directory])).out.trim().split('\n');
    expect(await remove()).toMatchObject({ exit: 2, error: expect.stringContaining('say which events') });
    expect(await remove('2', '99')).toMatchObject({ exit: 2, error: expect.stringContaining('no record 99') });
    expect(await left()).toHaveLength(3);
    expect(await remove('2')).toMatchObject({ exit: 0, out: 'hook: 1 event removed\n' });
    expect(await remove('--reason', 'too-large')).toMatchObject({ exit: 0, out: 'hook: 1 event removed\n' });
    expect((await left()).map((line) => (JSON.parse(line) as { record: number }).record)).toEqual([3]);
    expect(await remove('--reason', 'nothing')).toMatchObject({ out: 'hook: 0 events removed\n' });
  });

  it('move puts the bytes of the chosen events into a new file, and nothing else is removed', async () => {
    const directory = await madeState();
    const { out } = await auditail(['dead-letter', 'list', '--json', '--state-dir', directory]);
    const letters = out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { record: number; reason: string });
    const file = path.join(temporaryDirectory(), 'moved.ndjson');
    const reason = letters[0]?.reason ?? '';
    const chosen = letters.filter((letter) => letter.reason === reason);
    const flags = ['--reason', reason, '--state-dir', directory];
    const exported = (await auditail(['dead-letter', 'export', ...flags])).out;
    expect(await auditail(['dead-letter', 'move', file, ...flags])).toMatchObject({
      exit: 0,
      out: `hook: ${chosen.length} event${chosen.length === 1 ? '' : 's'} moved\n`,
    });
    expect(fs.readFileSync(file, 'latin1')).toBe(exported);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const left = (await auditail(['dead-letter', 'list', '--json', '--state-dir', directory])).out;
    expect(left.split('\n').length - 1).toBe(letters.length - chosen.length);
    // Never over another file, and then nothing is removed.
    expect(await auditail(['dead-letter', 'move', file, '--state-dir', directory])).toMatchObject({ exit: 2 });
    expect(fs.readFileSync(file, 'latin1')).toBe(exported);
    expect((await auditail(['dead-letter', 'list', '--json', '--state-dir', directory])).out).toBe(left);
  });

  it('replay delivers what is set aside and removes what was taken', async () => {
    const directory = await madeState();
    const received: string[] = [];
    let refuse = true;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
        // It dislikes the second event, and says so of any request that holds it.
        const bad = refuse && lines.includes((recordedEvents(2)[1] as Buffer).toString());
        if (!bad) received.push(...lines);
        response.writeHead(bad ? 400 : 200).end(bad ? 'no such thing' : '');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const file = path.join(temporaryDirectory(), 'auditail.yaml');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    fs.writeFileSync(
      file,
      `stateDirectory: ${directory}\nsources: [{ name: api, type: stdin }]\noutputs: [{ name: hook, type: http, url: '${url}' }]\n`,
    );
    const first = await auditail(['dead-letter', 'replay', '--config', file]);
    expect(first).toMatchObject({ exit: 1, out: 'hook: 2 events delivered, 1 kept\n' });
    expect(first.error).toMatch(/^hook: record \d+ stays: .*no such thing/);
    // Its newest words and their number are what is shown, and what `--reason` chooses by; the first are kept.
    async function left(): Promise<unknown[]> {
      const { out } = await auditail([
        'dead-letter',
        'list',
        '--json',
        '--reason',
        'http-400',
        '--state-dir',
        directory,
      ]);
      return out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown);
    }
    const before = { reason: 'mapper_parsing_exception', words: 'refused \u001b[31m1', status: 400 };
    const said = { reason: 'http-400', words: 'no such thing', status: 400, first: before };
    expect(await left()).toMatchObject([{ record: 2, replays: 1, ...said }]);
    await auditail(['dead-letter', 'replay', '--config', file]);
    expect(await left()).toMatchObject([{ record: 2, replays: 2, ...said }]);
    expect((await auditail(['dead-letter', 'list', '--state-dir', directory])).out).toMatch(
      / {2}3 {2}http-400 {2}no such/,
    );
    const marks = (): string[] =>
      fs.readdirSync(path.join(directory, 'outputs/hook/dead-letter')).filter((name) => name.startsWith('refused-'));
    expect(marks()).toHaveLength(1);
    refuse = false;
    expect(await auditail(['dead-letter', 'replay', '--config', file])).toMatchObject({
      exit: 0,
      out: 'hook: 1 event delivered, 0 kept\n',
    });
    expect((await auditail(['dead-letter', 'list', '--state-dir', directory])).out).toBe('Nothing is set aside.\n');
    expect(marks()).toEqual([]);
    expect(received.toSorted()).toEqual(recordedEvents(3).map(String).toSorted());
  });
});
