import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const { parseProtos } = (await import(
  new URL('../../../docker/sidekick/bundle.mjs', import.meta.url).href
)) as { parseProtos: (importer: string, file: string) => Promise<string> };

/** As etcd3 asks for it. */
const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };

/** What a client needs of a method: its path, its kind, and how a message becomes bytes and back. */
function methodsOf(definition: Record<string, unknown>) {
  return Object.entries(definition).flatMap(([service, methods]) =>
    Object.entries(
      methods as Record<string, { path?: string; requestStream?: boolean; responseStream?: boolean }>,
    )
      .filter(([, method]) => method?.path !== undefined)
      .map(([, { path, requestStream, responseStream }]) => ({
        service,
        path,
        requestStream,
        responseStream,
      })),
  );
}

it('has the API of etcd from the JSON in the bundle as from the .proto files', async () => {
  const importer = createRequire(import.meta.url).resolve('etcd3');
  const loader = createRequire(importer)('@grpc/proto-loader');
  const file = join(importer, '../../proto/rpc.proto');
  const bundled = loader.fromJSON(JSON.parse(await parseProtos(importer, file)), OPTIONS);
  const parsed = loader.loadSync(file, OPTIONS);
  expect(methodsOf(bundled)).toEqual(methodsOf(parsed));
  const put = { key: Buffer.from('k'), value: Buffer.from('v'), lease: '7587899204127832174', prev_kv: true };
  const bytes = parsed['etcdserverpb.KV'].Put.requestSerialize(put);
  expect(bundled['etcdserverpb.KV'].Put.requestSerialize(put)).toEqual(bytes);
  expect(bundled['etcdserverpb.KV'].Put.requestDeserialize(bytes)).toEqual(
    parsed['etcdserverpb.KV'].Put.requestDeserialize(bytes),
  );
});
