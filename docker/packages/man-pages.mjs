// Manual pages (man(7)) of the command line, from the same descriptions as its help and its completions.

/** The section of the manual: commands for administrators. */
const SECTION = 8;

const EXIT_STATUS = [
  ['0', 'Done. For a command that reports: all is well.'],
  ['1', 'Failed, or something is not as it should be. The reason is on the standard error stream.'],
  ['2', 'Wrong usage, or a configuration that is not valid.'],
];

/** Text with everything that troff takes for its own written out. */
export function escapeRoff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '')
    .replace(/^(?=[.'])/gm, '\\&');
}

const bold = (text) => `\\fB${escapeRoff(text)}\\fR`;
const italic = (text) => `\\fI${escapeRoff(text)}\\fR`;
const nameOf = ({ path }) => ['sidekick', ...path].join('-');
const callOf = ({ path }) => ['sidekick', ...path].join(' ');
const pageLink = (name) => `.BR ${escapeRoff(name)} (${SECTION})`;

function paragraphs(text) {
  return [...text.split('\n').map((line) => escapeRoff(line))];
}

function synopsis(command) {
  const args = command.args.map(({ name }) => ` ${italic(name)}`).join('');
  const rest = command.commands.length > 0 ? ` ${italic('command')}` : args;
  return `${bold(callOf(command))} [${italic('options')}]${rest}`;
}

function flagLines({ flag, placeholder, doc }) {
  const value = placeholder === '' ? '' : ` ${italic(placeholder.replace(/[<>]/g, ''))}`;
  return ['.TP', `${bold(flag)}${value}`, ...paragraphs(doc)];
}

// The options under their headings, as in the help text: those without one come first.
function flagSections(flags) {
  const headings = [...new Set(flags.map(({ heading }) => heading))];
  headings.sort((a, b) => (a === undefined ? -1 : b === undefined ? 1 : 0));
  return headings.flatMap((heading) => [
    ...(heading === undefined ? [] : [`.SS ${escapeRoff(heading.replace(/ \(.*|:$/g, ''))}`]),
    ...flags.filter((flag) => flag.heading === heading).flatMap(flagLines),
  ]);
}

function examples(command) {
  if (command.examples.length === 0) return [];
  return ['.PP', 'Examples:', '.PP', '.RS 4', '.EX', ...command.examples.map(escapeRoff), '.EE', '.RE'];
}

// `config check watch` takes what `watch` takes: that page has the descriptions.
function borrowedFrom(command, root) {
  const own = new Set(command.flags.map(({ flag }) => flag));
  return root.commands.find(
    (other) =>
      other.path[0] === command.path.at(-1) &&
      command.path.length > 1 &&
      other.flags.every(({ flag }) => own.has(flag)),
  );
}

// A command of a group: a subsection of the group's page.
function nestedCommand(command, root) {
  if (command.commands.length > 0) return command.commands.flatMap((each) => nestedCommand(each, root));
  const other = borrowedFrom(command, root);
  const known = new Set(other?.flags.map(({ flag }) => flag));
  const flags = command.flags.filter(({ flag }) => !known.has(flag) && flag !== '--help');
  return [
    `.SS ${escapeRoff(callOf(command))}`,
    synopsis(command),
    '.PP',
    ...paragraphs(command.description),
    ...argumentLines(command),
    ...(other
      ? ['.PP', 'It takes the options of', `${pageLink(nameOf(other))}${flags.length > 0 ? ' ,' : ' .'}`]
      : []),
    ...(other && flags.length > 0 ? ['and:'] : []),
    ...flags.flatMap(flagLines),
    ...examples(command),
  ];
}

function argumentLines({ args }) {
  return args.flatMap(({ name, doc }) => ['.TP', italic(name), ...paragraphs(doc)]);
}

function body(command, root) {
  if (command.path.length === 0) {
    const lines = root.commands.flatMap((each) => [
      '.TP',
      pageLink(nameOf(each)),
      ...paragraphs(each.summary),
    ]);
    return ['.SH COMMANDS', ...lines, '.SH OPTIONS', ...flagSections(command.flags)];
  }
  if (command.commands.length > 0) {
    return ['.SH COMMANDS', ...command.commands.flatMap((each) => nestedCommand(each, root))];
  }
  const { args, flags } = command;
  return [
    ...(args.length > 0 ? ['.SH ARGUMENTS', ...argumentLines(command)] : []),
    '.SH OPTIONS',
    ...flagSections(flags),
  ];
}

const CONFIGURATION = [
  '.SH CONFIGURATION',
  `Every option can also be given by a variable (${bold('SIDEKICK_LEASE_TTL')} for ${bold('--lease-ttl')}) or by a key of`,
  `the file that ${bold('--config')} or ${bold('SIDEKICK_CONFIG')} names (${bold('lease.ttl')}).`,
  'A flag goes before a variable, and a variable before the file.',
  `${bold('--no-')}${italic('switch')} turns a switch off.`,
];

const ENVIRONMENT = [
  '.SH ENVIRONMENT',
  '.TP',
  bold('NO_COLOR'),
  'If it is set and not empty, nothing is coloured. Elsewhere only what goes to a terminal is.',
];

function page(command, root, { version, date }) {
  const name = nameOf(command);
  const [summary] = command.summary.split('\n');
  const other = root.commands.filter((each) => each !== command);
  const related = [...(command === root ? [] : [root]), ...other].map(nameOf);
  return `${[
    `.TH ${escapeRoff(name.toUpperCase())} ${SECTION} ${date} "sidekick ${version}" sidekick`,
    '.SH NAME',
    `${escapeRoff(name)} \\- ${escapeRoff(lowerFirst(summary.replace(/\.$/, '')))}`,
    '.SH SYNOPSIS',
    synopsis(command),
    '.SH DESCRIPTION',
    ...paragraphs(command.description),
    ...(command.commands.length === 0 && command.examples.length > 0 ? examples(command) : []),
    ...body(command, root),
    ...CONFIGURATION,
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, text]) => ['.TP', bold(code), ...paragraphs(text)]),
    ...ENVIRONMENT,
    '.SH SEE ALSO',
    related.map((each, i) => `${pageLink(each)}${i < related.length - 1 ? ' ,' : ''}`).join('\n'),
    '.PP',
    'The documents in',
    `.IR ${escapeRoff('/usr/share/doc/sidekick/')} .`,
  ].join('\n')}\n`;
}

function lowerFirst(text) {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/**
 * The manual: one page for sidekick and one for each of its commands; those of a group are on the group's page.
 * @returns {Map<string, string>} each page by its name, such as `sidekick-watch.8`
 */
export function manPages(root, about) {
  return new Map(
    [root, ...root.commands].map((command) => [`${nameOf(command)}.${SECTION}`, page(command, root, about)]),
  );
}
