/**
 * Keeps a stream of the watcher's messages open: where it ends, or is silent for too long, it is opened again.
 *
 * @typedef {import('../dashboard-endpoint.js').DashboardMessage} Message
 *
 * @typedef {object} Listener
 * @property {(message: Message) => void} received
 * @property {() => void} lost The watcher does not answer; it is tried again.
 * @property {() => void} denied The watcher wants a credential that the browser does not send; it is tried again.
 */

/** A message comes every second: after so long without one, in ms, the connection is taken for dead. */
const SILENCE = 8_000;

/** How long to wait before it is opened again, in ms. */
const RETRY = 1_000;

/**
 * @param {string} url
 * @param {Listener} listener
 */
export function connect(url, listener) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function open() {
    source = new EventSource(url);
    source.onmessage = ({ data }) => {
      watch();
      listener.received(JSON.parse(data));
    };
    source.onerror = () => void fail();
    watch();
  }

  function watch() {
    clearTimeout(timer);
    timer = setTimeout(() => void fail(), SILENCE);
  }

  async function fail() {
    clearTimeout(timer);
    source?.close();
    source = undefined;
    if (await isDenied(url)) listener.denied();
    else listener.lost();
    timer = setTimeout(open, RETRY);
  }

  open();
}

/**
 * A stream of events does not tell why it was refused. HEAD opens none.
 *
 * @param {string} url
 */
async function isDenied(url) {
  try {
    const { status } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(SILENCE) });
    return status === 401 || status === 403;
  } catch {
    return false;
  }
}
