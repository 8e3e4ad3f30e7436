import { describe, expect, it } from 'vitest';
import { API, complaints, fileWith, register, watch } from './support.js';

describe('etcdSettings', () => {
  it.each([
    [{ '--etcd-username': 'u' }, 'etcd.passwordFile: is required: username and passwordFile go together'],
    [{ '--etcd-cert': '/dev/null' }, 'etcd.key: is required: cert and key go together'],
    [
      { '--etcd-server-name': 'etcd' },
      'etcd.endpoints: must be https:// URLs if etcd.ca, etcd.cert or etcd.serverName is given, got http://127.0.0.1:2379',
    ],
    [
      { '--etcd-endpoints': 'http://a,https://b' },
      'etcd.endpoints: must all be https:// or all http://, got http://a, https://b',
    ],
    [{ '--etcd-endpoints': ',' }, 'etcd.endpoints: must have at least one URL, got none'],
  ])('refuses %j', (flags, expected) => {
    expect(complaints(() => register(flags))).toContainEqual(expected);
  });

  it('refuses a password file that does not exist or is empty', () => {
    const user = { '--etcd-username': 'u' };
    expect(complaints(() => register({ ...user, '--etcd-password-file': '/nonexistent/password' }))).toEqual([
      expect.stringMatching(
        /^etcd\.passwordFile: must be a file that can be read, got "\/nonexistent\/password": ENOENT/,
      ),
    ]);
    expect(complaints(() => register({ ...user, '--etcd-password-file': fileWith('\n') }))).toEqual([
      expect.stringMatching(/^etcd\.passwordFile: must be a file whose first line is the password, got /),
    ]);
  });

  it.each(['http://etcd:2379/v3', 'http://etcd:2379/?x=1'])(
    'refuses the endpoint %s, which is more than scheme, host and port',
    (endpoint) => {
      expect(complaints(() => watch({ ...API, '--etcd-endpoints': [endpoint] }))[0]).toMatch(
        /^etcd\.endpoints: must be scheme, host and port alone, such as http:\/\/etcd:2379, got/,
      );
    },
  );

  const password = () => fileWith('hunter2\n', 'password');
  const user = (endpoint: string) => ({
    ...API,
    '--etcd-username': 'root',
    '--etcd-password-file': password(),
    '--etcd-endpoints': [endpoint],
  });

  it('warns about a password that goes to another host over plain HTTP', () => {
    expect(watch(user('http://etcd:2379')).warnings).toEqual([
      {
        key: 'etcd.passwordFile',
        reason: expect.stringMatching(/^the password goes to http:\/\/etcd:2379 unencrypted/) as string,
      },
    ]);
  });

  it.each(['http://127.0.0.1:2379', 'http://localhost:2379', 'http://[::1]:2379', 'https://etcd:2379'])(
    'does not warn about a password that goes to %s',
    (endpoint) => {
      expect(watch(user(endpoint)).warnings).toEqual([]);
    },
  );
});
