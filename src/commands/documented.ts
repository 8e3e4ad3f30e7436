/** What manual pages, help pages and shell completions are made from: an entry point beside `main.ts`. */
export { COMMANDS } from './commands.js';
export { COMPLETIONS } from './completion/completion.js';
export { describeCommands, everyCommand } from './describe.js';
export { HELP_WIDTHS, helpPageName } from './help-page.js';
export { runCommandLine } from './program.js';
