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
  readonly #takeKnown: (part: Buffer, at: number) => number;
  /** How many objects and arrays are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Where in the part the element begins that is under way, or what is no element. */
  #from = 0;
  /** The parts of the element that has begun and not ended. */
  #begun: Buffer[] = [];
  #length = 0;
  #taken = 0;
  #rest = '';
  #problem: string | undefined;

  /**
   * @param at How many objects and arrays are around an element: 1 in `[…]`, 2 in `{"peers":[…]}`.
   * @param take Is given the text of each element, in order.
   * @param takeKnown Takes an element that begins at this place of a part by itself, where it knows one that is spelled like
   * that, and returns its length in bytes; 0 where it does not. Nothing but the whole element can follow there.
   */
  constructor(
    at: number,
    take: (element: string) => void,
    takeKnown: (part: Buffer, at: number) => number = () => 0,
  ) {
    this.#at = at;
    this.#take = take;
    this.#takeKnown = takeKnown;
  }

  /** How many elements there were so far. */
  get count(): number {
    return this.#taken;
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
    this.#from = 0;
    let i = this.#isEscaped ? 1 : 0;
    while (i < part.length && this.#problem === undefined) {
      i = this.#isInString ? this.#passString(part, i) : this.#passStructure(part, i);
    }
    // The last byte was a backslash: it escapes the first byte of the next part.
    this.#isEscaped = i > part.length;
    if (this.#depth > this.#at) this.#keep(part.subarray(this.#from));
    else this.#leave(part, part.length);
  }

  /** Returns where the string ends, or how far it goes: behind the part where its last byte is a backslash. */
  #passString(part: Buffer, from: number): number {
    for (let i = from; i < part.length; i++) {
      const byte = part[i];
      if (byte === BACKSLASH) {
        if (i + 1 === part.length) return i + 2;
        i++;
      } else if (byte === QUOTE) {
        this.#isInString = false;
        return i + 1;
      }
    }
    return part.length;
  }

  /** Goes on to behind the next quote or bracket. */
  #passStructure(part: Buffer, from: number): number {
    for (let i = from; i < part.length; i++) {
      const byte = part[i] as number;
      if (byte === QUOTE) {
        this.#isInString = true;
        return i + 1;
      }
      if (isOpening(byte)) return this.#open(part, i);
      if (isClosing(byte)) return this.#close(part, i);
    }
    return part.length;
  }

  #open(part: Buffer, at: number): number {
    if (this.#depth === this.#at) {
      this.#leave(part, at);
      const length = this.#takeKnown(part, at);
      if (length > 0) {
        this.#count();
        this.#from = at + length;
        return this.#from;
      }
    }
    this.#depth++;
    if (this.#depth > MAX_DEPTH) this.#give(`must be nested at most ${MAX_DEPTH} deep`);
    return at + 1;
  }

  #close(part: Buffer, at: number): number {
    this.#depth--;
    if (this.#depth === this.#at) {
      this.#end(part.subarray(this.#from, at + 1));
      this.#from = at + 1;
    }
    return at + 1;
  }

  /** The element ends with these bytes. */
  #end(last: Buffer): void {
    const text =
      this.#begun.length > 0 ? Buffer.concat([...this.#begun, last]).toString('utf8') : last.toString('utf8');
    this.#begun = [];
    this.#length = 0;
    this.#count();
    this.#take(text);
  }

  #count(): void {
    this.#taken++;
    this.#rest += PLACEHOLDER;
  }

  /** The element goes on in the next part. */
  #keep(part: Buffer): void {
    this.#length += part.length;
    if (this.#length > MAX_ELEMENT) this.#give(`must have at most ${MAX_ELEMENT} bytes in one element`);
    else this.#begun.push(part);
  }

  /** What comes before this place is no element. */
  #leave(part: Buffer, to: number): void {
    const from = this.#from;
    this.#from = to;
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
