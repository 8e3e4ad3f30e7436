import { Readable } from 'node:stream';

/** The stream of a watch of etcd that is open, as far as it is used: what is pushed is what etcd tells. */
export function openWatchStream() {
  const stream = new Readable({ objectMode: true, read: () => {} });
  return Object.assign(stream, { write: () => true, end: () => {}, cancel: () => stream.destroy() });
}
