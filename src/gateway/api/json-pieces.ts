/**
 * JSON text in pieces. Each piece is created when it is called for, so that the worker can serve requests while it puts a
 * long response together.
 */

/** A text, as functions that each return a piece of it. */
export type Pieces = (() => string)[];

/** A value in one piece. */
export function whole(value: unknown): Pieces {
  return [() => JSON.stringify(value)];
}

function text(fixed: string): () => string {
  return () => fixed;
}

/** An array. Each of the functions returns some of its elements. */
export function array(parts: (() => unknown[])[]): Pieces {
  let isFirst = true;
  const elements = parts.map((part) => () => {
    const inner = part()
      .map((element) => JSON.stringify(element))
      .join(',');
    if (inner === '') return '';
    const separator = isFirst ? '' : ',';
    isFirst = false;
    return separator + inner;
  });
  return [text('[')].concat(elements, text(']'));
}

/** An object with one member whose value is in pieces, followed by the members of `rest`. */
export function object(name: string, value: Pieces, rest: object): Pieces {
  const others = JSON.stringify(rest).substring(1);
  const separator = others === '}' ? '' : ',';
  return [text(`{${JSON.stringify(name)}:`)].concat(value, text(separator + others));
}

/** An object whose values are in pieces. */
export function map(members: { name: string; value: Pieces }[]): Pieces {
  let all: Pieces = [text('{')];
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as { name: string; value: Pieces };
    all = all.concat(text(`${i === 0 ? '' : ','}${JSON.stringify(member.name)}:`), member.value);
  }
  return all.concat(text('}'));
}
