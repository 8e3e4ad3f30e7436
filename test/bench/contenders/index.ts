export type { Contender, ContenderName, Running, StartOptions } from './contender.js';
export { floor, registerByFloor } from './floor.js';
export { ShellScript, shellLoop } from './shell.js';
export { registerBySidekick, sidekick, startSidekick } from './sidekick.js';
