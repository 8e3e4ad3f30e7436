/** Most objects and arrays inside one another, the outermost included. NGINX nests the servers of a group four deep. */
const MAX_DEPTH = 32;
/** Most bytes of one element. NGINX says some hundred of a server. */
const MAX_ELEMENT = 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Stands for an element in what is left. The spaces keep it from becoming part of a number beside it. */
const PLACEHOLDER = ' 0 ';

/**
 * Divides a JSON text into the elements of a list in it, as it arrives. A list of ten thousand servers has megabytes: taken
 * element by element it neither blocks the event loop for long nor leaves much for the garbage collector. Objects and arrays
 * count as elements. An element's text is JSON only if the list's text is; what is left shows whether the rest is.
 */
export class JsonElements {
  readonly #at: number;
  readonly #take: (element: string) => void;
  /** How many objects and arrays are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The parts of the element that has begun and not ended. */
  #begun: Buffer[] = [];
  #length = 0;
  #count = 0;
  #rest = '';
  #problem: string | undefined;

  /**
   * @param at How many objects and arrays are around an element: 1 in `[…]`, 2 in `{"peers":[…]}`.
   * @param take Is given the text of each element, in order.
   */
  constructor(at: number, take: (element: string) => void) {
    this.#at = at;
    this.#take = take;
  }

  /** How many elements there were so far. */
  get count(): number {
    return this.#count;
  }

  /** The text without the elements, each of which is a 0 in it. */
  get rest(): string {
    return this.#rest;
  }

  /** Why the text is not read any further, to follow "the answer"; undefined while it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The next bytes of the text. They may begin and end anywhere. */
  write(part: Buffer): void {
    if (this.#problem !== undefined) return;
    const at = this.#at;
    let depth = this.#depth;
    let isInString = this.#isInString;
    /** Where in the part the element begins, or what is left does. */
    let from = 0;
    let i = 0;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      i = 1;
    }
    for (; i < part.length; i++) {
      const byte = part[i] as number;
      if (isInString) {
        if (byte === QUOTE) isInString = false;
        else if (byte === BACKSLASH) i++;
      } else if (byte === QUOTE) isInString = true;
      else if (isOpening(byte)) {
        if (depth === at) {
          this.#leave(part, from, i);
          from = i;
        }
        depth++;
        if (depth > MAX_DEPTH) return this.#give(`must be nested at most ${MAX_DEPTH} deep`);
      } else if (isClosing(byte)) {
        depth--;
        if (depth === at) {
          this.#end(part.subarray(from, i + 1));
          from = i + 1;
        }
      }
    }
    // The last byte was a backslash: it escapes the first byte of the next part.
    this.#isEscaped = i > part.length;
    this.#isInString = isInString;
    this.#depth = depth;
    if (depth > at) this.#keep(part.subarray(from));
    else this.#leave(part, from, part.length);
  }

  /** The element ends with these bytes. */
  #end(last: Buffer): void {
    const text =
      this.#begun.length > 0 ? Buffer.concat([...this.#begun, last]).toString('utf8') : last.toString('utf8');
    this.#begun = [];
    this.#length = 0;
    this.#count++;
    this.#rest += PLACEHOLDER;
    this.#take(text);
  }

  /** The element goes on in the next part. */
  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > MAX_ELEMENT) this.#give(`must have at most ${MAX_ELEMENT} bytes in one element`);
    else this.#begun.push(part);
  }

  #leave(part: Buffer, from: number, to: number): void {
    if (to === from + 1 && part[from] === COMMA) this.#rest += ',';
    else if (to > from) this.#rest += part.toString('utf8', from, to);
  }

  #give(problem: string): void {
    this.#problem = problem;
    this.#begun = [];
  }
}

function isOpening(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

function isClosing(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d;
}
