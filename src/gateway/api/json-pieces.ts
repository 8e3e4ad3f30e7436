/**
 * JSON in pieces, each made when it is asked for: a long answer is put together bit by bit, so that the worker that gives it
 * can serve requests in between.
 */

/** A text, piece by piece. */
export type Pieces = (() => string)[];

/** Anything short. */
export function whole(value: unknown): Pieces {
  return [() => JSON.stringify(value)];
}

function text(fixed: string): () => string {
  return () => fixed;
}

/** An array, of which each function gives some members. */
export function array(parts: (() => unknown[])[]): Pieces {
  let begun = false;
  const members = parts.map((part) => () => {
    const inner = part()
      .map((member) => JSON.stringify(member))
      .join(',');
    const joint = begun && inner !== '' ? ',' : '';
    if (inner !== '') begun = true;
    return joint + inner;
  });
  return [text('[')].concat(members, text(']'));
}

/** An object that has a value in pieces, and then the members of another. */
export function object(name: string, value: Pieces, rest: object): Pieces {
  const others = JSON.stringify(rest).substring(1);
  const joint = others === '}' ? '' : ',';
  return [text(`{${JSON.stringify(name)}:`)].concat(value, text(joint + others));
}

/** An object of values in pieces. */
export function map(members: { name: string; value: Pieces }[]): Pieces {
  let all: Pieces = [text('{')];
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as { name: string; value: Pieces };
    all = all.concat(text(`${i === 0 ? '' : ','}${JSON.stringify(member.name)}:`), member.value);
  }
  return all.concat(text('}'));
}

/** All of it at once. */
export function join(pieces: Pieces): string {
  return pieces.map((piece) => piece()).join('');
}
