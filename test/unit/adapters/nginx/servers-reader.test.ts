import { describe, expect, it } from 'vitest';
import { JsonElements } from '../../../../src/adapters/nginx/json-elements.js';
import { ServerReader } from '../../../../src/adapters/nginx/server-codec.js';
import { type ReadServers, ServersReader } from '../../../../src/adapters/nginx/servers-reader.js';
import { fc } from '../../../support/property.js';

/** Reads the answer, which arrives in parts of so many bytes. Tells how many servers were read as text, too. */
function readAnswer(answer: string, before?: ReadServers, size = Number.POSITIVE_INFINITY) {
  const reader = new ServersReader(new ServerReader(), before);
  let asText = 0;
  const elements = new JsonElements(
    1,
    (text) => {
      asText++;
      reader.take(text);
    },
    (part, at) => reader.takeKnown(part, at),
  );
  const bytes = Buffer.from(answer);
  for (let from = 0; from < bytes.length; from += size) elements.write(bytes.subarray(from, from + size));
  return { asText, result: reader.end(JSON.parse(elements.rest), elements.count) };
}

function read(servers: readonly object[], before?: ReadServers, size?: number) {
  const { asText, result } = readAnswer(JSON.stringify(servers), before, size);
  if (!result) throw new Error('the servers were not read');
  return { asText, result };
}

const server = (id: number, fields: object = {}) => ({
  id,
  server: `10.0.0.${id}:80`,
  weight: 1,
  ...fields,
});
const A = server(0);
const B = server(1);
const C = server(2);
const NAME = { id: 3, server: 'example.org:80' };

describe('a reader of the servers of a group', () => {
  it('reads what it would without knowing what was there before, whatever has changed since', () => {
    const listed = fc.uniqueArray(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ id: fc.nat(12), weight: fc.nat(2) }) },
        { weight: 1, arbitrary: fc.record({ id: fc.nat(12), host: fc.constant('é') }) },
      ),
      { selector: ({ id }) => id },
    );
    const asServers = (list: readonly { readonly id: number }[]) =>
      list.map(({ id, ...fields }) => server(id, fields));
    fc.assert(
      fc.property(listed, listed, fc.integer({ min: 1, max: 300 }), (first, second, size) => {
        const { result: before } = read(asServers(first));
        const { result } = read(asServers(second), before, size);
        const { result: alone } = read(asServers(second));
        expect(result).toEqual(alone);
        expect(read(asServers(second), result).asText).toBe(0);
      }),
    );
  });

  it('returns the same object for a server of which NGINX says the same as before, and reads no text of it', () => {
    const { result: first } = read([A, B, C, NAME]);
    const { result: second, asText } = read([A, server(1, { weight: 2 }), C, NAME], first);
    expect(asText).toBe(1);
    expect(second.servers[0]).toBe(first.servers[0]);
    expect(second.servers[1]).toMatchObject({ id: 1, parameters: { weight: 2 } });
    expect(second.servers[2]).toBe(first.servers[2]);
    expect(second.unmanaged).toBe(1);
  });

  it.each([
    ['the first is gone', [B, C, NAME], 1],
    ['two are gone', [C, NAME], 1],
    ['a server is new at the end', [A, B, C, NAME, server(4)], 1],
    ['a server is new at the start', [server(5), A, B, C, NAME], 1],
    ['nothing has changed', [A, B, C, NAME], 0],
  ])('reads the texts of few where %s', (_, servers, asText) => {
    expect(read(servers, read([A, B, C, NAME]).result).asText).toBe(asText);
  });

  it('takes nothing from the read before where another server has the id', () => {
    const { result: first } = read([A, B]);
    const { result } = read([server(0, { server: '10.0.0.9:80' }), B], first);
    expect(result.servers.map(({ id, address }) => [id, address])).toEqual([
      [0, '10.0.0.9:80'],
      [1, '10.0.0.1:80'],
    ]);
  });

  it('takes no server for a longer one whose text begins alike', () => {
    const { result: first } = readAnswer('[{"id":0,"server":"10.0.0.1:80"}]');
    const longer = '[{"id":0,"server":"10.0.0.1:8080"}]';
    expect(readAnswer(longer, first).result?.servers[0]?.address).toBe('10.0.0.1:8080');
  });

  it.each([
    ['an element that is no JSON', '[{"id":0,}]'],
    ['an element of another type', '[{"id":"0","server":"10.0.0.1:80"}]'],
    ['an element that is neither object nor array', `[${JSON.stringify(A)},null]`],
    ['an object in place of the list', `{"servers":${JSON.stringify(A)}}`],
  ])('reads nothing where there is %s', (_, answer) => {
    expect(readAnswer(answer).result).toBeUndefined();
    expect(readAnswer(answer, read([A, B]).result).result).toBeUndefined();
  });
});
