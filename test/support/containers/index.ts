/** Containers for tests and the demonstration. */
export * from './backends.js';
export { Container, type ContainerSpec, startContainer } from './container.js';
export * from './etcd.js';
export * from './gateway.js';
export { LogBuffer } from './log-buffer.js';
export * from './network.js';
export * from './parts.js';
export * from './ports.js';
export * from './sidekick.js';
export * from './until.js';
