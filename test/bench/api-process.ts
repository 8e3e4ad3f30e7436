/** A process of its own that serves the NGINX Plus API for the benchmark, so that only the watcher is measured. */
import { FakeNginx } from '../support/fake-nginx.js';
import { NginxApiServer } from '../support/nginx-api-server.js';

const groups = JSON.parse(process.argv[2] ?? '{}') as { http: string[]; stream: string[] };
const nginx = new FakeNginx(groups);
const server = await NginxApiServer.start(nginx);

process.on('message', () => {
  const servers = nginx.groups().reduce((sum, ref) => sum + nginx.servers(ref).length, 0);
  // The fake would remember every call for ever.
  nginx.calls.length = 0;
  process.send?.({ servers, requests: Object.fromEntries(server.requests) });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: server.url });
