/** The scope of a command without options. */
export const noOptionsScope = { options: {}, lists: {} };
