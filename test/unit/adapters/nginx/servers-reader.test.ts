import { describe, expect, it } from 'vitest';
import { ServersReader } from '../../../../src/adapters/nginx/servers-reader.js';

const A = '{"id":0,"server":"10.0.0.1:80","weight":1}';
const B = '{"id":1,"server":"10.0.0.2:80","weight":1}';
const NAME = '{"id":2,"server":"example.org:80"}';

function read(texts: readonly string[], before?: ConstructorParameters<typeof ServersReader>[0]) {
  const reader = new ServersReader(before);
  for (const text of texts) reader.take(text);
  const result = reader.end(
    texts.map(() => 0),
    texts.length,
  );
  if (!result) throw new Error('the servers were not read');
  return result;
}

describe('a reader of the servers of a group', () => {
  it('returns the same object for a server of which NGINX says the same as before', () => {
    const first = read([A, B, NAME]);
    const changed = B.replace('"weight":1', '"weight":2');
    const second = read([A, changed, NAME], first.byText);
    expect(second.servers[0]).toBe(first.servers[0]);
    expect(second.servers[1]).toMatchObject({ id: 1, parameters: { weight: 2 } });
    expect(second.unmanaged).toBe(1);
  });

  it('takes nothing from the read before where another server has the id', () => {
    const first = read([A, B]);
    const reloaded = read([A.replace('10.0.0.1', '10.0.0.9'), B], first.byText);
    expect(reloaded.servers.map(({ id, address }) => [id, address])).toEqual([
      [0, '10.0.0.9:80'],
      [1, '10.0.0.2:80'],
    ]);
  });

  it('remembers only what was there last', () => {
    const first = read([A, B]);
    expect([...read([B], first.byText).byText.keys()]).toEqual([B]);
  });

  it.each([
    ['an element that is no JSON', ['{"id":0,'], [0]],
    ['an element of another type', ['{"id":"0","server":"10.0.0.1:80"}'], [0]],
    ['an element that is neither object nor array', [A], [0, null]],
    ['an object in place of the list', [A], { servers: 0 }],
  ])('reads nothing where there is %s', (_, texts, rest) => {
    const reader = new ServersReader();
    for (const text of texts) reader.take(text);
    expect(reader.end(rest, texts.length)).toBeUndefined();
  });
});
