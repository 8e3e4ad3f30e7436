/** One message of a stream of server-sent events. */
export interface ServerSentEvent {
  readonly id?: string | undefined;
  /** `message` where it says nothing else. */
  readonly event: string;
  readonly data: string;
}

/** The longest message that is read, in characters. */
const MOST = 1 << 20;

/** Reads a stream of server-sent events (WHATWG HTML, section 9.2), as far as sidekick writes them. Comments are passed over. */
export async function* readServerSentEvents(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    if (text.length > MOST) throw new Error('a message of the event stream is too long');
    for (const message of messages) {
      const event = parse(message);
      if (event) yield event;
    }
  }
}

function parse(message: string): ServerSentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of message.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
  }
  const data = fields.get('data');
  return data === undefined
    ? undefined
    : { id: fields.get('id'), event: fields.get('event') ?? 'message', data };
}
