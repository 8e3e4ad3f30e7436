/** What the manual pages and the shell completions of a package are made from: an entry point beside `main.ts`. */
export { COMMANDS } from './commands.js';
export { COMPLETIONS } from './completion/completion.js';
export { describeCommands } from './describe.js';
