// The Pool of undici without the rest of it (fetch, WebSocket, caches, mocks), which takes longer to load than all of
// sidekick. Puts together what undici's index.js does for a Pool.
import api from 'undici/lib/api/index.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

Object.assign(Dispatcher.prototype, api);

export { default as Pool } from 'undici/lib/dispatcher/pool.js';
