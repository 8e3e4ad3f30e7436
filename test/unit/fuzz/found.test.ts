import { describe, expect, it } from 'vitest';
import { replay } from '../../fuzz/run.js';
import { api } from '../../fuzz/targets/api.js';
import { nginxAnswers } from '../../fuzz/targets/nginx-answers.js';
import { state } from '../../fuzz/targets/state.js';

describe('a regression of the fuzz run: the store', () => {
  it.each([
    'null',
    '{"":null}',
    '{"a":null}',
    '{"a":{"value":5,"expires":0}}',
    '{"a":{"value":"b","expires":1e999}}',
    '[1]',
    '5',
  ])('survives the state %s of a keyval zone', async (zone) => {
    const { accepted, rejected } = await replay(state, { kind: 'http', group: '', changes: ['', ''], zone });
    expect([accepted, rejected.length]).toEqual([0, 1]);
  });
});

describe('a regression of the fuzz run: state on disk', () => {
  const server = 'server 10.2.0.0:80;';
  it.each([
    ['a change', '', `{"n":9007199254740992,"uid":9007199254740992,"is":"${server}"}\n`],
    ['a server', `${server} # 999999999999\n`, ''],
    ['the last change', `# Servers after change 999999999999999\n${server} # 1\n`, ''],
  ])('survives a number of %s that is too large to be exact', async (_, group, changes) => {
    await replay(state, { kind: 'http', group, changes: [changes, ''], zone: '{}' });
  });
});

describe('a regression of the fuzz run: the API', () => {
  it.each([
    [`${'1'.repeat(40)}x`, 'UpstreamBadFailTimeout'],
    [`${'1 '.repeat(40)}x`, 'UpstreamBadFailTimeout'],
    // Longer than any parameter may be.
    ['1'.repeat(400), 'UpstreamConfFormatError'],
  ])('refuses the time %s at once', async (time, code) => {
    const body = JSON.stringify({ server: '10.1.0.1:80', fail_timeout: time });
    const request = { method: 'POST', target: '/api/9/http/upstreams/firmware/servers', body };
    expect((await replay(api, [request])).rejected).toEqual([`400 ${code}`]);
  });
});

describe('a regression of the fuzz run: the watcher', () => {
  it.each([
    ['id', '"x"'],
    ['id', '1e999'],
    ['server', 'null'],
    ['weight', '[]'],
    ['down', '{}'],
  ])('adds no server again because an answer says %s %s', async (name, text) => {
    const spoilt = { how: 'field', at: 0, name, text } as const;
    const answers = Array.from({ length: 8 }, () => spoilt);
    expect((await replay(nginxAnswers, { answers })).rejected).toHaveLength(8);
  });
});
