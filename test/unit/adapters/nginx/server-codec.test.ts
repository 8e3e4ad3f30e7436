import { describe, expect, it } from 'vitest';
import { ServerReader, UNMANAGED } from '../../../../src/adapters/nginx/server-codec.js';
import { fc } from '../../../support/property.js';

const read = (text: string, reader = new ServerReader()) => reader.read(text, () => JSON.parse(text));

/** What may follow the id and the address in an element of `servers`. */
const REST = fc.constantFrom(
  '}',
  ',"weight":1}',
  ',"weight":2,"down":true}',
  ', "weight" : 1 , "drain" : true }',
  ',"fail_timeout":"1m"}',
  ',"parent":3,"host":"example.org"}',
  ',"weight":"1"}',
  ',"id":7}',
  ',"server":"10.0.0.7:80"}',
  ',"i\\u0064":7}',
);
const SERVER = fc.constantFrom(
  '10.0.0.1:80',
  '10.0.0.2:80',
  '[2001:DB8::1]:80',
  'example.org:80',
  'unix:/tmp/a',
);
const ELEMENT = fc
  .tuple(fc.constantFrom('0', '1', '7', '12', '-1', '1.5'), SERVER, REST)
  .map(([id, server, rest]) => `{"id":${id},"server":"${server}"${rest}`);

describe('a reader of servers', () => {
  it('reads each element as a reader does that has read none before', () => {
    fc.assert(
      fc.property(fc.array(ELEMENT, { minLength: 2, maxLength: 12 }), (texts) => {
        const reader = new ServerReader();
        for (const text of texts) expect(read(text, reader)).toEqual(read(text));
      }),
    );
  });

  it('parses one of many elements that differ by id and address alone, and shares their parameters', () => {
    const reader = new ServerReader();
    let parsed = 0;
    const servers = Array.from({ length: 5 }, (_, id) => {
      const text = `{"id":${id},"server":"10.0.0.${id}:80","weight":3}`;
      return reader.read(text, () => {
        parsed++;
        return JSON.parse(text);
      });
    });
    expect(parsed).toBe(1);
    expect(servers[4]).toMatchObject({ id: 4, address: '10.0.0.4:80', parameters: { weight: 3 } });
    const parameters = new Set(servers.map((server) => server !== UNMANAGED && server?.parameters));
    expect(parameters.size).toBe(1);
  });

  it('goes by the last id and address where an element has several', () => {
    const reader = new ServerReader();
    read('{"id":7,"server":"10.0.0.1:80","id":7}', reader);
    expect(read('{"id":1,"server":"10.0.0.1:80","id":7}', reader)).toMatchObject({ id: 7 });
  });

  it('reads on after more kinds of elements than it remembers', () => {
    const reader = new ServerReader();
    for (let weight = 1; weight <= 1_100; weight++) {
      const text = `{"id":1,"server":"10.0.0.1:80","weight":${weight}}`;
      expect(read(text, reader)).toMatchObject({ parameters: { weight } });
    }
  });
});
